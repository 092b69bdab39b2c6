package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The generations of another database have the same numbers, and somebody has to end the session that is named.
func TestWhoHoldsAGenerationUpIsNeverASessionOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	f, stop := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{tally("counted", "a")}})
	waitFor(t, f, "a", store.say(1))
	stop()
	conn, holder := connect(t, url), connect(t, url)
	const lock = "select pg_advisory_lock(hashtext('annals.generation'), 1)"
	_, err := connect(t, database(t)).Exec(patient(t), lock)
	must(t, err)
	held := func() string {
		t.Helper()
		left, err := there(patient(t), conn, []int64{1})
		must(t, err)
		if len(left) != 1 {
			t.Fatalf("there is %v", left)
		}
		return left[0].Holder
	}
	eventually(t, "the feed has let go of it", func() bool { return held() == "" })
	_, err = holder.Exec(patient(t), lock)
	must(t, err)
	if by := held(); !strings.HasPrefix(by, fmt.Sprintf("process %d of", holder.PgConn().PID())) {
		t.Errorf("it is held by %q, not by process %d", by, holder.PgConn().PID())
	}
}

// A transaction that began before rows went sees them still, and keeps what the statistics say of them.
func TestWhatIsGoneIsWipedOnceNoTransactionSeesIt(t *testing.T) {
	t.Parallel()
	url := database(t)
	conn, reader := connect(t, url), connect(t, url)
	tx, err := reader.BeginTx(patient(t), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	must(t, err)
	_, err = tx.Exec(patient(t), "select from pg_class")
	must(t, err)
	_, err = conn.Exec(patient(t), "create table rows (); drop table rows")
	must(t, err)
	impatient, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := settled(impatient, conn); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a transaction that began before: %v", err)
	}
	must(t, tx.Commit(patient(t)))
	must(t, settled(patient(t), connect(t, url))) // the end of a context ends its connection
}
