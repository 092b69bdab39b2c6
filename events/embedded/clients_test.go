package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/durationpb"

	"annals/events/embedded"
)

// What official clients other than Go's look at, and the suites of those for .NET, Node.js and KurrentDB hold a node to.

// contents are the messages of a read in short: the position that is told, or the revision of an event.
func contents(got []*streams.ReadResp) (all []string) {
	for _, m := range got {
		switch c := m.GetContent().(type) {
		case *streams.ReadResp_FirstStreamPosition:
			all = append(all, fmt.Sprint("first ", c.FirstStreamPosition))
		case *streams.ReadResp_LastStreamPosition:
			all = append(all, fmt.Sprint("last ", c.LastStreamPosition))
		case *streams.ReadResp_Event:
			all = append(all, fmt.Sprint(c.Event.GetEvent().GetStreamRevision()))
		}
	}
	return all
}

func TestClientsThatUnderstandItAreToldWhereAStreamBeginsAndEnds(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 4)...)
	read := func(revision uint64, direction streams.ReadReq_Options_ReadDirection) []string {
		t.Helper()
		got, _, err := n.raw(t).read(t, func(o *streams.ReadReq_Options) {
			src := fromStart("s")
			src.Stream.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: revision}
			o.StreamOption, o.ReadDirection = src, direction
			o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: 1}
		})
		must(t, err)
		return contents(got)
	}
	const forwards, backwards = streams.ReadReq_Options_Forwards, streams.ReadReq_Options_Backwards
	equal(t, read(0, forwards), []string{"0", "1", "2", "3", "last 3"})
	n.setMetadata(t, "s", `{"$tb":2}`)
	equal(t, read(0, forwards), []string{"first 2", "2", "3", "last 3"})
	equal(t, read(3, forwards), []string{"3", "last 3"})
	equal(t, read(3, backwards), []string{"3", "2", "last 3"})
}

func TestAnIDThatAnAppendHasTwiceIsKnownByItsFirstPlace(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	id := uuid.New()
	ids := []uuid.UUID{id, id, id}
	first := r.outcome(t, "s", noStream, ids...)
	equal(t, first[:2], "2@")
	equal(t, r.outcome(t, "s", noStream, ids...), first)
	equal(t, r.outcome(t, "s", anyState, ids...)[:2], "0@")
}

func TestNewerClientsAreToldWhenAndWhereASubscriptionTurnedLive(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	w := n.append(t, "s", named("T", 3)...)
	r := n.raw(t)
	for _, c := range []struct {
		what  string
		ask   func(*streams.ReadReq_Options)
		field protowire.Number
		want  uint64
	}{
		{"stream", func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("s") }, 2, 2},
		{"missing stream", func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("none") }, 0, 0},
		{"all", func(o *streams.ReadReq_Options) { o.GetAll().AllOption = allFrom(w.CommitPosition - 1) }, 3, w.CommitPosition},
	} {
		s := r.subscribe(t, c.ask)
		var caughtUp *streams.ReadResp_CaughtUp
		for caughtUp == nil {
			m, err := s.Recv()
			must(t, err)
			caughtUp = m.GetCaughtUp()
		}
		told := unknownFields(t, caughtUp.ProtoReflect().GetUnknown())
		seconds := unknownFields(t, told[1].([]byte))[1].(uint64)
		holds(t, time.Since(time.Unix(int64(seconds), 0)).Abs() < patience, c.what+": the date is not now")
		switch c.field {
		case 2:
			equal(t, told[2].(uint64), c.want)
		case 3:
			equal(t, unknownFields(t, told[3].([]byte))[1].(uint64), c.want)
		default:
			equal(t, len(told), 1)
		}
	}
}

// unknownFields takes apart a message by the numbers of its fields.
func unknownFields(t testing.TB, b []byte) map[protowire.Number]any {
	fields := map[protowire.Number]any{}
	for len(b) > 0 {
		number, kind, used := protowire.ConsumeTag(b)
		must(t, protowire.ParseError(used))
		b = b[used:]
		switch kind {
		case protowire.VarintType:
			fields[number], used = protowire.ConsumeVarint(b)
		default:
			fields[number], used = protowire.ConsumeBytes(b)
		}
		must(t, protowire.ParseError(used))
		b = b[used:]
	}
	return fields
}

func TestABatchIsAnsweredOnceAndNoLaterThanItsDeadline(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	call, err := n.raw(t).BatchAppend(testContext(t))
	must(t, err)
	wrong, unfinished, good := stringID(uuid.New()), stringID(uuid.New()), stringID(uuid.New())
	soon := batchOptions("s", -1)
	soon.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(50 * time.Millisecond)}
	answers := func(id, kind string) {
		t.Helper()
		a, err := call.Recv()
		must(t, err)
		equal(t, a.GetCorrelationId().GetString_(), id)
		got := "success"
		if e := a.GetError(); e != nil {
			got = string(e.GetDetails()[0].MessageName().Name())
		}
		equal(t, got, kind)
	}
	// Too large: answered before it is final, and what still follows of it is not written.
	must(t, call.Send(&streams.BatchAppendReq{CorrelationId: wrong, Options: batchOptions("s", -1), ProposedMessages: batchMessages(2, 1<<19+1)}))
	answers(wrong.GetString_(), "MaximumAppendSizeExceeded")
	must(t, call.Send(&streams.BatchAppendReq{CorrelationId: wrong, ProposedMessages: batchMessages(1, 1), IsFinal: true}))
	// Never finished.
	must(t, call.Send(&streams.BatchAppendReq{CorrelationId: unfinished, Options: soon, ProposedMessages: batchMessages(1, 1)}))
	answers(unfinished.GetString_(), "Timeout")
	must(t, call.Send(&streams.BatchAppendReq{CorrelationId: unfinished, ProposedMessages: batchMessages(1, 1), IsFinal: true}))
	must(t, call.Send(&streams.BatchAppendReq{CorrelationId: good, Options: batchOptions("s", -1), ProposedMessages: batchMessages(1, 1), IsFinal: true}))
	answers(good.GetString_(), "success")
	must(t, call.CloseSend())
	_, err = call.Recv()
	equal(t, err.Error(), "EOF")
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1)
}

func TestANodeIsGossipedUnderTheNameThatItsClientKnows(t *testing.T) {
	t.Parallel()
	address := listenTCP(t, startNode(t, embedded.Options{}))
	for authority, want := range map[string]string{"": address, "store.example:2113": "store.example:2113", "store.example": address} {
		conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithAuthority(authority), grpc.WithTransportCredentials(insecure.NewCredentials()))
		must(t, err)
		defer conn.Close()
		info, err := gossip.NewGossipClient(conn).Read(testContext(t), none)
		must(t, err)
		equal(t, len(info.GetMembers()), 1)
		m := info.GetMembers()[0]
		equal(t, fmt.Sprintf("%s:%d", m.GetHttpEndPoint().GetAddress(), m.GetHttpEndPoint().GetPort()), want)
		holds(t, m.GetIsAlive() && m.GetState() == gossip.MemberInfo_Leader, "it does not lead")
	}
}

func TestWhoBringsNoPasswordIsToldApartFromWhoBringsAWrongOne(t *testing.T) {
	t.Parallel()
	secure := selfSigned(t)
	address := listenTCP(t, startNode(t, embedded.Options{TLS: secure}))
	conn := dialTLS(t, address)
	// What clients ask before they show who they are.
	_, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(testContext(t), none)
	must(t, err)
	_, err = gossip.NewGossipClient(conn).Read(testContext(t), none)
	must(t, err)
	for header, want := range map[string]codes.Code{
		"": codes.PermissionDenied, "Basic YWRtaW46Y2hhbmdlaXQ=": codes.OK, "basic YWRtaW46Y2hhbmdlaXQ=": codes.OK,
		"Basic YWRtaW46d3Jvbmc=": codes.Unauthenticated, "Basic %": codes.Unauthenticated, "Bearer token": codes.Unauthenticated,
	} {
		ctx := testContext(t)
		if header != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
		}
		var md metadata.MD
		_, err := persistent.NewPersistentSubscriptionsClient(conn).List(ctx, &persistent.ListReq{Options: &persistent.ListReq_Options{
			ListOption: &persistent.ListReq_Options_ListAllSubscriptions{ListAllSubscriptions: none},
		}}, grpc.Trailer(&md))
		wantCode(t, err, want)
		equal(t, strings.Join(md.Get("exception"), ""), map[codes.Code]string{codes.PermissionDenied: "access-denied"}[want])
	}
}

func TestAFilterMayLookAheadAsThePythonClientsDo(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("Wanted", 1)...)
	n.append(t, "s", named("Result", 1)...)
	n.append(t, "s", named("Results", 1)...)
	read := func(expression string) []string {
		got, _, err := n.raw(t).read(t, func(o *streams.ReadReq_Options) { filtered(byType(expression), 32)(o) })
		must(t, err)
		var types []string
		for _, m := range got {
			types = append(types, m.GetEvent().GetEvent().GetMetadata()["type"])
		}
		return types
	}
	equal(t, read(`^(?!(\$.+$|PersistentConfig\d+$|Result$))`), []string{"Wanted", "Results"})
	equal(t, read(`^(?!\$)(?=.*s$)`), []string{"Results"})
	long := strings.Repeat("a", 60)
	n.append(t, "s", named(long, 1)...)
	equal(t, read(`^(?!\$)(a+)+!$`), []string{long}) // it would track back for years
	_, _, err := n.raw(t).read(t, func(o *streams.ReadReq_Options) { filtered(byType("(?!"), 32)(o) })
	wantCode(t, err, codes.InvalidArgument)
}

func TestErrorsHaveTheWordsThatThePythonClientsLookFor(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	end := func(stream string, revision uint64) string {
		_, err := r.Delete(r.ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{
			StreamIdentifier:       appendOptions(stream, 0).StreamIdentifier,
			ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: revision},
		}})
		wantCode(t, err, codes.FailedPrecondition)
		return err.Error()
	}
	n.append(t, "s", named("T", 1)...)
	n.tombstone(t, "gone")
	for _, c := range []struct{ said, want string }{
		{end("s", 7), "WrongExpectedVersion"},
		{end("s", 7), "Actual version: 0"},
		{end("missing", 7), "WrongExpectedVersion"},
		{end("missing", 7), "Actual version: -1"},
		{end("gone", 0), "is deleted"},
	} {
		holds(t, strings.Contains(c.said, c.want), c.said)
	}
}

func TestTheHighestNumberExpectsNoStreamAsTheDotNetClientDoes(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	none := &streams.AppendReq_Options{
		StreamIdentifier:       appendOptions("s", 0).StreamIdentifier,
		ExpectedStreamRevision: &streams.AppendReq_Options_Revision{Revision: 1<<64 - 1},
	}
	for _, current := range []any{nil, uint64(0)} {
		resp, _, err := r.send(t, none, proposed(uuid.New(), "T", nil))
		must(t, err)
		w := resp.GetWrongExpectedVersion()
		equal(t, w != nil, current != nil)
		if w != nil {
			equal(t, w.GetCurrentRevision(), 0)
			holds(t, w.GetExpectedNoStream() != nil, "it expected something else")
		}
	}
	batch := batchOptions("b", -1)
	batch.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: 1<<64 - 1}
	id := stringID(uuid.New())
	answer := r.batches(t, &streams.BatchAppendReq{CorrelationId: id, Options: batch, ProposedMessages: batchMessages(1, 1), IsFinal: true})
	equal(t, answer[id.GetString_()].GetSuccess().GetCurrentRevision(), 0)
	holds(t, answer[id.GetString_()].GetSuccess() != nil, "it was refused")
	none.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: 1<<64 - 2}
	_, _, err := r.send(t, none, proposed(uuid.New(), "T", nil))
	wantCode(t, err, codes.InvalidArgument)
}
