package embedded_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"pgregory.net/rapid"

	"annals/events/embedded"
)

// compared is a node and a model that are told the same. Each history has streams of its own on the one node.
type compared struct {
	*model
	t      *testing.T
	rt     *rapid.T
	node   *running
	raw    raw
	disk   *vfs.MemFS
	prefix string
	live   subscribed // follows the log from where the history begins
	seen   int        // events of the history that live has yielded
}

func TestANodeDoesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	node := startNode(t, embedded.Options{Dir: "log", FS: disk})
	history := 0
	rapid.Check(t, func(rt *rapid.T) {
		history++
		head := node.readOne(t)
		c := &compared{
			model: &model{base: head, streams: map[string][]int{}, gone: map[string]bool{}},
			t:     t, rt: rt, node: &node, raw: node.raw(t), disk: disk, prefix: fmt.Sprintf("h%d-", history),
		}
		c.follow()
		rt.Repeat(map[string]func(*rapid.T){
			"append": c.tryAppend, "append again": c.tryRepeat, "batch": c.tryBatch, "delete": c.tryDelete, "tombstone": c.tryTombstone,
			"set metadata": c.trySetMetadata, "read": c.tryRead, "read all": c.tryReadAll, "subscribe": c.trySubscribe, "restart": c.tryRestart,
		})
		c.catchUp()
	})
}

// readOne is the position of the last event.
func (n running) readOne(t testing.TB) uint64 {
	s, err := n.ReadAll(testContext(t), esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 1)
	return drain(t, s, err)[0].Event.Position.Commit
}

func (c *compared) agree(what, got, want string) {
	if got != want {
		c.rt.Fatalf("%s: the node says %q, the model %q", what, got, want)
	}
}

func (c *compared) stream(rt *rapid.T) string {
	return c.prefix + rapid.SampledFrom([]string{"a", "a", "b", "c"}).Draw(rt, "stream")
}

func (c *compared) expect(rt *rapid.T, stream string) int64 {
	return rapid.OneOf(rapid.SampledFrom([]int64{anyState, noStream, exists}), rapid.Int64Range(0, c.last(stream)+2)).Draw(rt, "expect")
}

func newIDs(rt *rapid.T) []uuid.UUID {
	ids := make([]uuid.UUID, rapid.IntRange(0, 3).Draw(rt, "events"))
	for i := range ids {
		ids[i] = uuid.New()
	}
	return ids
}

func (c *compared) tryAppend(rt *rapid.T) {
	s := c.stream(rt)
	c.send(s, c.expect(rt, s), newIDs(rt))
}

// tryRepeat appends again some of what is in the stream, and maybe more behind it.
func (c *compared) tryRepeat(rt *rapid.T) {
	s := c.stream(rt)
	if c.last(s) < 0 {
		rt.Skip("nothing to repeat")
	}
	from := rapid.Int64Range(0, c.last(s)).Draw(rt, "from")
	var ids []uuid.UUID
	for r := from; r <= min(from+rapid.Int64Range(0, 3).Draw(rt, "more"), c.last(s)); r++ {
		ids = append(ids, c.log[c.streams[s][r]].id)
	}
	if rapid.Bool().Draw(rt, "and a new one") {
		ids = append(ids, uuid.New())
	}
	expect := rapid.SampledFrom([]int64{anyState, exists, from - 1, c.expect(rt, s)}).Draw(rt, "as before")
	c.send(s, expect, ids)
}

func (c *compared) send(s string, expect int64, ids []uuid.UUID) {
	c.agree(fmt.Sprintf("append %d to %s at %d", len(ids), s, expect), c.raw.outcome(c.t, s, expect, ids...), c.append(s, expect, ids, "{}"))
}

func (c *compared) tryBatch(rt *rapid.T) {
	s := c.stream(rt)
	expect, ids := c.expect(rt, s), newIDs(rt)
	o := batchOptions(s, expect)
	switch expect {
	case noStream:
		o.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	case exists:
		o.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamExists{StreamExists: &emptypb.Empty{}}
	}
	messages := batchMessages(len(ids), 2)
	for i, id := range ids {
		messages[i].Id = stringID(id)
	}
	correlation := stringID(uuid.New())
	frame := &streams.BatchAppendReq{CorrelationId: correlation, Options: o, ProposedMessages: messages, IsFinal: true}
	answer := c.raw.batches(c.t, frame)[correlation.GetString_()]
	c.agree(fmt.Sprintf("batch of %d to %s at %d", len(ids), s, expect), batchOutcome(c.t, answer), c.append(s, expect, ids, "{}"))
}

// batchOutcome is an answer in the form that raw.outcome has.
func batchOutcome(t testing.TB, answer *streams.BatchAppendResp) string {
	if e := answer.GetError(); e != nil {
		detail, err := e.GetDetails()[0].UnmarshalNew()
		must(t, err)
		w, ok := detail.(*shared.WrongExpectedVersion)
		switch {
		case !ok:
			return "[stream-deleted]"
		case w.GetCurrentNoStream() != nil:
			return "conflict none"
		}
		return fmt.Sprint("conflict ", w.GetCurrentStreamRevision())
	}
	s := answer.GetSuccess()
	if s.GetNoStream() != nil {
		return "none"
	}
	return fmt.Sprintf("%d@%d", s.GetCurrentRevision(), s.GetPosition().GetCommitPosition())
}

func (c *compared) trySetMetadata(rt *rapid.T) {
	s := c.stream(rt)
	data := rapid.SampledFrom([]string{`{}`, `{"$maxCount":2}`, `{"$tb":1}`, `{"$tb":3,"$maxCount":4,"own":"key"}`, `[]`, `no JSON`, `{"$maxCount":"two"}`}).Draw(rt, "metadata")
	m := proposed(uuid.New(), "$metadata", []byte(data))
	id := uuid.MustParse(m.GetId().GetString_())
	resp, trailer, err := c.raw.send(c.t, appendOptions("$$"+s, anyState), m)
	got := fmt.Sprint(trailer.Get("exception"))
	if err == nil {
		got = fmt.Sprintf("%d@%d", resp.GetSuccess().GetCurrentRevision(), resp.GetSuccess().GetPosition().GetCommitPosition())
	}
	c.agree("metadata of "+s, got, c.append("$$"+s, anyState, []uuid.UUID{id}, data))
}

// changed tells the outcome of a delete or a tombstone.
func changed(err error, md metadata.MD) string {
	switch exception := md.Get("exception"); {
	case err == nil:
		return "write"
	case len(exception) == 1 && exception[0] == "wrong-expected-version" && md.Get("actual-version")[0] == "-1":
		return "conflict none"
	case len(exception) == 1 && exception[0] == "wrong-expected-version":
		return "conflict " + md.Get("actual-version")[0]
	default:
		return fmt.Sprint(exception)
	}
}

func (c *compared) tryDelete(rt *rapid.T) {
	s := c.stream(rt)
	expect := c.expect(rt, s)
	o := &streams.DeleteReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(s)}}
	switch expect {
	case anyState:
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_Any{Any: none}
	case noStream:
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_NoStream{NoStream: none}
	case exists:
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_StreamExists{StreamExists: none}
	default:
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_Revision{Revision: uint64(expect)}
	}
	var md metadata.MD
	_, err := c.raw.Delete(c.raw.ctx, &streams.DeleteReq{Options: o}, grpc.Trailer(&md))
	c.agree(fmt.Sprintf("delete %s at %d", s, expect), changed(err, md), c.delete(s, expect))
}

func (c *compared) tryTombstone(rt *rapid.T) {
	if rapid.IntRange(0, 4).Draw(rt, "rarely") > 0 {
		rt.Skip("a tombstone is the end of its stream")
	}
	s := c.stream(rt)
	var md metadata.MD
	_, err := c.raw.Tombstone(c.raw.ctx, &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(s)},
		ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: none},
	}}, grpc.Trailer(&md))
	c.agree("tombstone "+s, changed(err, md), c.tombstone(s, anyState))
}

func (c *compared) tryRead(rt *rapid.T) {
	s := rapid.SampledFrom([]string{"", "$$"}).Draw(rt, "or its metadata") + c.stream(rt)
	from := rapid.Int64Range(0, c.last(s)+2).Draw(rt, "from")
	backwards := rapid.Bool().Draw(rt, "backwards")
	count := rapid.IntRange(1, 5).Draw(rt, "count")
	got, _, err := c.raw.read(c.t, func(o *streams.ReadReq_Options) {
		src := fromStart(s)
		src.Stream.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: uint64(from)}
		o.StreamOption, o.CountOption = src, &streams.ReadReq_Options_Count{Count: uint64(count)}
		if backwards {
			o.ReadDirection = streams.ReadReq_Options_Backwards
		}
	})
	said, want := c.read(s, from, backwards, count)
	answer := wireList(got)
	switch {
	case status.Code(err) == codes.FailedPrecondition:
		answer = "deleted"
	case len(got) == 1 && got[0].GetStreamNotFound() != nil:
		answer = "missing"
	}
	c.agree(fmt.Sprintf("read %d of %s from %d, backwards %v", count, s, from, backwards), answer, said+listed(want))
}

// wireList and listed say which events these are, and what they carry.
func wireList(got []*streams.ReadResp) string {
	var b strings.Builder
	for _, m := range got {
		e := m.GetEvent().GetEvent()
		fmt.Fprintf(&b, "%s/%d@%d ", e.GetStreamIdentifier().GetStreamName(), e.GetStreamRevision(), e.GetCommitPosition())
	}
	return b.String()
}

func listed(events []modelEvent) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s/%d@%d ", e.stream, uint64(e.revision), e.position)
	}
	return b.String()
}

func (c *compared) tryReadAll(rt *rapid.T) {
	from := rapid.IntRange(0, len(c.log)).Draw(rt, "from")
	got, _, err := c.raw.read(c.t, func(o *streams.ReadReq_Options) { o.GetAll().AllOption = allFrom(c.base + uint64(from) + 1) })
	must(c.t, err)
	c.agree("read all", wireList(got), listed(c.log[from:]))
}
