package embedded_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/projections"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"annals/events/embedded"
)

func TestAnIdleClientThatPingsIsNotSentAway(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", listenTCP(t, startNode(t, embedded.Options{})))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	must(t, err)
	framer := http2.NewFramer(conn, conn)
	must(t, framer.WriteSettings())
	next := time.NewTicker(2100 * time.Millisecond) // more often than any client
	defer next.Stop()
	for i := range byte(4) { // the third ping too many would end the connection
		ping := [8]byte{i}
		must(t, framer.WritePing(false, ping))
		for {
			frame, err := framer.ReadFrame()
			must(t, err)
			holds(t, frame.Header().Type != http2.FrameGoAway, "sent away")
			if p, ok := frame.(*http2.PingFrame); ok && p.IsAck() && bytes.Equal(p.Data[:], ping[:]) {
				break
			}
		}
		if i < 3 {
			<-next.C
		}
	}
}

func TestACallEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	ctx, cancel := context.WithTimeout(r.ctx, 100*time.Millisecond)
	defer cancel()
	r.ctx = ctx
	s := r.subscribe(t, func(*streams.ReadReq_Options) {})
	begin := time.Now()
	for {
		if _, err := s.Recv(); err != nil {
			wantCode(t, err, codes.DeadlineExceeded)
			break
		}
	}
	holds(t, time.Since(begin) < 5*time.Second, "late")
}

func TestAnAppendIsOptionsThenEvents(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	options := &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: appendOptions("s", anyState)}}
	event := &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: proposed(uuid.New(), "T", nil)}}
	for what, frames := range map[string][]*streams.AppendReq{
		"nothing":              {},
		"an event first":       {event},
		"options twice":        {options, options, event},
		"an empty message":     {options, {}},
		"no expected revision": {{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{StreamIdentifier: appendOptions("s", 0).StreamIdentifier}}}, event},
	} {
		call, err := r.Append(r.ctx)
		must(t, err)
		for _, f := range frames {
			if err := call.Send(f); err != nil {
				holds(t, errors.Is(err, io.EOF), what) // it was refused already
			}
		}
		_, err = call.CloseAndRecv()
		holds(t, err != nil, what+" was taken")
	}
	holds(t, !r.found(t, "s"), "something was written")
}

func TestAnEventsIDMayComeInBothForms(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	id := uuid.MustParse("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f")
	m := proposed(id, "T", nil)
	m.Id = &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits: -0x0f1e2d3c4b5ab969, LeastSignificantBits: -0x778695a4b3c2d1e1,
	}}}
	must(t, errOf(r.send(t, appendOptions("s", noStream), m)))
	equal(t, n.read(t, "s", esdb.ReadStreamOptions{})[0].Event.EventID, id)
	equal(t, r.outcome(t, "s", noStream, id)[:2], "0@") // the same event
}

func TestAMissingStreamIsTombstonedWhereNoneIsExpected(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	_, err := n.TombstoneStream(testContext(t), "s", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.NoStream{}})
	must(t, err)
	equal(t, n.raw(t).outcome(t, "s", anyState, uuid.New()), "[stream-deleted]")
}

func TestAFreshLogHasTheUsersOfAFreshServer(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	var logins []string
	for _, e := range n.read(t, "$users", esdb.ReadStreamOptions{}) {
		equal(t, e.Event.EventType, "$User")
		logins = append(logins, string(e.Event.Data))
	}
	equal(t, logins, []string{`"admin"`, `"ops"`})
	for _, login := range []string{"admin", "ops"} {
		equal(t, n.read(t, "$user-"+login, esdb.ReadStreamOptions{})[0].Event.EventType, "$UserCreated")
		equal(t, len(n.read(t, "$$$user-"+login, esdb.ReadStreamOptions{})), 1)
	}
}

func TestAReadFromBetweenTwoEventsBeginsWithTheNext(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	w := n.append(t, "s", named("T", 1)...)
	equal(t, n.readAll(t, esdb.ReadAllOptions{From: esdb.Position{Commit: w.CommitPosition + 100, Prepare: w.CommitPosition + 100}}), nil)
	equal(t, len(n.readAll(t, esdb.ReadAllOptions{From: esdb.Position{}})), 7)
}

func TestWhatIsLeftOutIsUnimplemented(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	_, err := projections.NewProjectionsClient(r.conn).Enable(r.ctx, &projections.EnableReq{})
	wantCode(t, err, codes.Unimplemented)
	for _, method := range []string{"users.Users/Details", "operations.Operations/StartScavenge", "monitoring.Monitoring/Stats"} {
		wantCode(t, r.conn.Invoke(r.ctx, "/event_store.client."+method, none, none), codes.Unimplemented)
	}
}

// createGroup asks for group g/1 on a stream, as a client would.
func (r raw) createGroup(stream string, change func(*persistent.CreateReq_Options)) (metadata.MD, error) {
	o := &persistent.CreateReq_Options{
		StreamOption: &persistent.CreateReq_Options_Stream{Stream: &persistent.CreateReq_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		}},
		GroupName: "g/1",
		Settings: &persistent.CreateReq_Settings{
			ConsumerStrategy: "RoundRobin", ReadBatchSize: 20, HistoryBufferSize: 500, LiveBufferSize: 500,
			MessageTimeout:  &persistent.CreateReq_Settings_MessageTimeoutMs{MessageTimeoutMs: 30_000},
			CheckpointAfter: &persistent.CreateReq_Settings_CheckpointAfterMs{CheckpointAfterMs: 2_000},
		},
	}
	change(o)
	var md metadata.MD
	_, err := r.groups.Create(r.ctx, &persistent.CreateReq{Options: o}, grpc.Trailer(&md))
	return md, err
}

// groupInfo is what the node tells of group g/1.
func (r raw) groupInfo(t testing.TB, stream string) *persistent.SubscriptionInfo {
	t.Helper()
	resp, err := r.groups.GetInfo(r.ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
		StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}},
		GroupName:    "g/1",
	}})
	must(t, err)
	return resp.GetSubscriptionInfo()
}

func TestTLSDoesNotNeedItsApplicationProtocolToBeNamed(t *testing.T) {
	t.Parallel()
	address := listenTCP(t, startNode(t, embedded.Options{TLS: selfSigned(t)}))
	for _, named := range [][]string{nil, {"h2"}} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: named}) //nolint:gosec // made for this test
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		equal(t, conn.ConnectionState().NegotiatedProtocol, strings.Join(named, ""))
		_, err = io.WriteString(conn, http2.ClientPreface)
		must(t, err)
		framer := http2.NewFramer(conn, conn)
		must(t, framer.WriteSettings())
		frame, err := framer.ReadFrame()
		must(t, err)
		equal(t, frame.Header().Type, http2.FrameSettings)
		must(t, conn.Close())
	}
}
