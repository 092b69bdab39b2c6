package carrier

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connected is a connection whose other end does nothing by itself.
func connected(t *testing.T) (ours *coalescingConn, theirs net.Conn) {
	a, b := net.Pipe()
	listening := make(chan struct{})
	close(listening)
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return newCoalescingConn(a, newWriteSchedulers().one(), listening), b
}

func TestWhatIsWrittenWhileAConnectionIsBusyGoesOutInOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := connected(t)
		var want []byte
		for i := range 100 {
			text := fmt.Appendf(nil, "packet %d;", i)
			want = append(want, text...)
			if n, err := ours.Write(text); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
			synctest.Wait() // the first is being sent, and nobody reads
		}
		must(t, ours.Close())
		var got []byte
		pieces := 0
		for text := make([]byte, 2*len(want)); ; pieces++ {
			n, err := theirs.Read(text)
			if got = append(got, text[:n]...); err != nil {
				break
			}
		}
		if !bytes.Equal(got, want) || pieces != 2 {
			t.Errorf("%d pieces: %s", pieces, got)
		}
		if _, err := ours.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("written after the end: %v", err)
		}
	})
}

func TestWhoHearsLittleHearsItAtOnceAndMuchInOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := connected(t)
		text := make([]byte, 100)
		for _, want := range []struct {
			said  []string
			heard string
			took  time.Duration
		}{{[]string{"a"}, "a", 0}, {[]string{"b", "c"}, "bc", coalesceDelay}} {
			begun := time.Now()
			for _, said := range want.said {
				ours.put([]Frame{{wire: []byte(said)}})
			}
			n, err := theirs.Read(text)
			must(t, err)
			if took := time.Since(begun); string(text[:n]) != want.heard || took != want.took {
				t.Errorf("%q after %v, want %q after %v", text[:n], took, want.heard, want.took)
			}
		}
	})
}

func TestWhatTheSystemDoesNotTakeAtOnceFollowsInOrder(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	must(t, err)
	defer listener.Close()
	theirs, err := net.Dial("tcp", listener.Addr().String()) //nolint:noctx // it is listened to
	must(t, err)
	defer theirs.Close()
	conn, err := listener.Accept()
	must(t, err)
	must(t, conn.(*net.TCPConn).SetWriteBuffer(32<<10))
	must(t, theirs.(*net.TCPConn).SetReadBuffer(32<<10))
	listening := make(chan struct{})
	close(listening)
	ours := newCoalescingConn(conn, newWriteSchedulers().one(), listening)
	want := make([]byte, 4<<20)
	for i := range want {
		want[i] = byte(i % 251)
	}
	go func() {
		for piece := range slices.Chunk(want, 10_001) {
			if _, err := ours.Write(piece); err != nil {
				t.Error(err)
			}
		}
		_ = ours.Close()
	}()
	must(t, theirs.SetReadDeadline(time.Now().Add(patience)))
	got, err := io.ReadAll(theirs)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes came, or in another order: %v", len(got), len(want), err)
	}
}

func TestAClientThatDoesNotReadEndsItsConnectionAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := connected(t)
		begun, n := time.Now(), 0
		var err error
		for ; err == nil; n++ {
			_, err = ours.Write(make([]byte, 1024))
		}
		if took := time.Since(begun); took != writeTime.Duration() || n > 2*maxCoalesced/1024+3 {
			t.Errorf("%d KiB were taken, %v passed: %v", n, took, err)
		}
		if _, err := io.ReadAll(theirs); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoClosesDoesNotWaitForWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := connected(t)
		_, err := ours.Write([]byte("unheard"))
		must(t, err)
		synctest.Wait()
		begun := time.Now()
		must(t, ours.Close())
		if time.Since(begun) != 0 {
			t.Errorf("closing took %v", time.Since(begun))
		}
		if _, err := ours.Read(make([]byte, 1)); err == nil {
			t.Error("something was heard")
		}
		time.Sleep(closeTimeout)
		synctest.Wait()
		if n, err := theirs.Read(make([]byte, 100)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
