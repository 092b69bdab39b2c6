package embedded_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"annals/events/embedded"
)

const (
	noStream int64 = -1
	anyState int64 = -2
	exists   int64 = -4
)

func TestAnAppendIsDecidedByExpectedRevisionAndEventIDs(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	a, b, c, d := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	first := r.outcome(t, "s", noStream, a, b)
	holds(t, strings.HasPrefix(first, "1@"), first)
	for _, step := range []struct {
		what   string
		stream string
		expect int64
		ids    []uuid.UUID
		want   string
	}{
		{"no stream, the same events", "s", noStream, []uuid.UUID{a, b}, first},
		{"any, the same events", "s", anyState, []uuid.UUID{a, b}, first},
		{"exists, the same events", "s", exists, []uuid.UUID{a, b}, first},
		{"an older revision, the same event", "s", 0, []uuid.UUID{b}, first},
		{"no stream, other events", "s", noStream, []uuid.UUID{c}, "conflict 1"},
		{"no stream, more than was written", "s", noStream, []uuid.UUID{a, b, c}, "conflict 1"},
		{"any, only a leading part is known", "s", anyState, []uuid.UUID{b, d}, "conflict 1"},
		{"an older revision, another event", "s", 0, []uuid.UUID{c}, "conflict 1"},
		{"a later revision", "s", 2, []uuid.UUID{c}, "conflict 1"},
		{"no events", "s", anyState, nil, "1@"},
		{"no events on nothing", "nothing", noStream, nil, "none"},
		{"no events, a later revision", "s", 7, nil, "conflict 1"},
		{"exists on nothing", "nothing", exists, []uuid.UUID{c}, "conflict none"},
		{"a revision on nothing", "nothing", 3, []uuid.UUID{c}, "conflict none"},
		{"the same id in another stream", "t", anyState, []uuid.UUID{a}, "0@"},
		{"the current revision", "s", 1, []uuid.UUID{c}, "2@"},
	} {
		got := r.outcome(t, step.stream, step.expect, step.ids...)
		holds(t, strings.HasPrefix(got, step.want), fmt.Sprintf("%s: got %s, wanted %s", step.what, got, step.want))
	}
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 3)
}

func TestARepeatedAppendIsRecognizedAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startNode(t, embedded.Options{Dir: dir})
	a, b := uuid.New(), uuid.New()
	want := first.raw(t).outcome(t, "s", noStream, a, b)
	closeNode(t, first.Node)
	second := startNode(t, embedded.Options{Dir: dir}).raw(t)
	equal(t, second.outcome(t, "s", noStream, a, b), want)
	equal(t, second.outcome(t, "s", anyState, a, b), want)
}

func TestConcurrentRepetitionsOfOneAppendAreRecordedOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r, id := n.raw(t), uuid.New()
	var mu sync.Mutex
	var all sync.WaitGroup
	outcomes := map[string]int{}
	for i := range 32 {
		all.Go(func() {
			got := r.outcome(t, "s", []int64{noStream, anyState}[i%2], id)
			mu.Lock()
			defer mu.Unlock()
			outcomes[got]++
		})
	}
	all.Wait()
	equal(t, len(outcomes), 1)
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1)
}

func TestStreamExistsIsTrueForAStreamThatHasOnlyMetadata(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	equal(t, r.outcome(t, "s", exists, uuid.New()), "conflict none")
	_, _, err := r.send(t, appendOptions("$$s", anyState), proposed(uuid.New(), "$metadata", []byte(`{"own":1}`)))
	must(t, err)
	holds(t, strings.HasPrefix(r.outcome(t, "s", exists, uuid.New()), "0@"), "not written")
}

func TestAWrongExpectedVersionTellsOldClientsToo(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	resp, _, err := r.send(t, appendOptions("s", 5), proposed(uuid.New(), "T", nil))
	must(t, err)
	w := resp.GetWrongExpectedVersion()
	equal(t, w.GetExpectedRevision(), 5)
	equal(t, w.GetExpectedRevision_20_6_0(), 5)
	holds(t, w.GetCurrentNoStream() != nil && w.GetNoStream_20_6_0() != nil, "the current revision is missing")
	must(t, errOf(r.send(t, appendOptions("s", noStream), proposed(uuid.New(), "T", nil))))
	resp, _, err = r.send(t, appendOptions("s", noStream), proposed(uuid.New(), "T", nil))
	must(t, err)
	w = resp.GetWrongExpectedVersion()
	equal(t, w.GetExpectedRevision_20_6_0(), ^uint64(0))
	holds(t, w.GetExpectedNoStream() != nil, "no stream was expected")
	equal(t, w.GetCurrentRevision_20_6_0(), 0)
}

func errOf(_ *streams.AppendResp, _ any, err error) error { return err }

func TestAnAppendHoldsOneMiBOfDataAndNoMore(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	_, _, err := r.send(t, appendOptions("s", anyState), proposed(uuid.New(), "T", make([]byte, 1<<20)))
	must(t, err)
	for _, sizes := range [][]int{{1<<20 + 1}, {1 << 19, 1 << 19, 1}, {16 << 20}} {
		var messages []*streams.AppendReq_ProposedMessage
		for _, size := range sizes {
			messages = append(messages, proposed(uuid.New(), "T", make([]byte, size)))
		}
		_, trailer, err := r.send(t, appendOptions("s", anyState), messages...)
		wantCode(t, err, codes.InvalidArgument)
		equal(t, trailer.Get("exception"), []string{"maximum-append-size-exceeded"})
		equal(t, trailer.Get("maximum-append-size"), []string{"1048576"})
	}
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1)
}

func TestAnEventNeedsIDTypeAndContentType(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	for missing, m := range map[string]*streams.AppendReq_ProposedMessage{
		"id":           {Metadata: map[string]string{"type": "T", "content-type": "application/json"}},
		"empty id":     {Id: stringID(uuid.Nil), Metadata: map[string]string{"type": "T", "content-type": "application/json"}},
		"empty type":   {Id: stringID(uuid.New()), Metadata: map[string]string{"type": "", "content-type": "application/json"}},
		"type":         {Id: stringID(uuid.New()), Metadata: map[string]string{"content-type": "application/json"}},
		"content-type": {Id: stringID(uuid.New()), Metadata: map[string]string{"type": "T"}},
	} {
		_, trailer, err := r.send(t, appendOptions("s", anyState), m)
		wantCode(t, err, codes.InvalidArgument)
		if missing == "type" || missing == "content-type" {
			equal(t, trailer.Get("exception"), []string{"missing-required-metadata-property"})
			equal(t, trailer.Get("required-metadata-properties"), []string{"type,content-type"})
		}
	}
	_, _, err := r.send(t, appendOptions("", anyState), proposed(uuid.New(), "T", nil))
	wantCode(t, err, codes.InvalidArgument)
}

func TestEventsOfOneAppendAreConsecutiveInTheLog(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() { n.append(t, fmt.Sprint("s", i), named("T", 5)...) })
	}
	all.Wait()
	events := n.readAll(t, esdb.ReadAllOptions{})[6:]
	equal(t, len(events), 80)
	for i, e := range events {
		equal(t, e.Event.EventNumber, uint64(i%5))
		equal(t, e.Event.StreamID, events[i/5*5].Event.StreamID)
		holds(t, i == 0 || e.Event.Position.Commit > events[i-1].Event.Position.Commit, "positions do not ascend")
	}
	holds(t, events[0].Event.Position.Commit > 0, "the first position is 0")
}
