package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"

	"annals/events/embedded"
)

func revisions(events []*esdb.ResolvedEvent) []uint64 {
	list := []uint64{}
	for _, e := range events {
		list = append(list, e.OriginalEvent().EventNumber)
	}
	return list
}

func TestAStreamIsReadFromARevisionInclusiveBothWays(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 4)...)
	for _, c := range []struct {
		from esdb.StreamPosition
		dir  esdb.Direction
		want []uint64
	}{
		{esdb.Start{}, esdb.Forwards, []uint64{0, 1, 2, 3}},
		{esdb.Revision(2), esdb.Forwards, []uint64{2, 3}},
		{esdb.Revision(4), esdb.Forwards, []uint64{}},
		{esdb.End{}, esdb.Forwards, []uint64{}},
		{esdb.End{}, esdb.Backwards, []uint64{3, 2, 1, 0}},
		{esdb.Revision(2), esdb.Backwards, []uint64{2, 1, 0}},
		{esdb.Revision(9), esdb.Backwards, []uint64{3, 2, 1, 0}},
		{esdb.Start{}, esdb.Backwards, []uint64{0}},
	} {
		equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{From: c.from, Direction: c.dir})), c.want)
	}
}

func TestAllIsReadFromAPositionInclusiveForwardsAndExclusiveBackwards(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 4)...)
	all := n.readAll(t, esdb.ReadAllOptions{})
	at := all[7].Event.Position
	equal(t, n.readAll(t, esdb.ReadAllOptions{From: at}), all[7:])
	equal(t, n.readAll(t, esdb.ReadAllOptions{From: esdb.End{}}), nil)
	back := n.readAll(t, esdb.ReadAllOptions{From: at, Direction: esdb.Backwards})
	equal(t, len(back), 7)
	for i, e := range back {
		equal(t, e, all[6-i])
	}
	equal(t, len(n.readAll(t, esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards})), len(all))
	equal(t, n.readAll(t, esdb.ReadAllOptions{From: esdb.Start{}, Direction: esdb.Backwards}), nil)
}

func TestReadsLongerThanAPageAreCompleteBothWays(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	const total = 2500
	for i := 0; i < total; i += 500 {
		n.append(t, "s", named("T", 500)...)
		n.append(t, "other", named("U", 1)...)
	}
	forwards := n.read(t, "s", esdb.ReadStreamOptions{})
	backwards := n.read(t, "s", esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards})
	equal(t, len(forwards), total)
	equal(t, len(backwards), total)
	for i := range forwards {
		equal(t, forwards[i].Event.EventNumber, uint64(i))
		equal(t, backwards[i].Event.EventNumber, uint64(total-1-i))
	}
	equal(t, len(n.readAll(t, esdb.ReadAllOptions{})), total+5+6)
	s, err := n.ReadStream(testContext(t), "s", esdb.ReadStreamOptions{}, 700)
	equal(t, len(drain(t, s, err)), 700)
}

func TestFilteredReadsCountWhatMatches(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	for i := range 6 {
		n.append(t, fmt.Sprint("a-", i), named("Odd", 1)...)
		n.append(t, fmt.Sprint("b-", i), named("Even", 1)...)
	}
	r := n.raw(t)
	read := func(backwards bool, count uint64, f *streams.ReadReq_Options_FilterOptions) (names []string) {
		got, _, err := r.read(t, func(o *streams.ReadReq_Options) {
			o.CountOption = &streams.ReadReq_Options_Count{Count: count}
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: f}
			if backwards {
				o.ReadDirection = streams.ReadReq_Options_Backwards
				o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: none}
			}
		})
		must(t, err)
		for _, m := range got {
			names = append(names, string(m.GetEvent().GetEvent().GetStreamIdentifier().GetStreamName()))
		}
		return names
	}
	equal(t, read(false, 2, byType("", "Odd")), []string{"a-0", "a-1"})
	equal(t, read(true, 2, byType("", "Odd", "Never")), []string{"a-5", "a-4"})
	equal(t, read(false, 3, byType("^(Even|Odd)$")), []string{"a-0", "b-0", "a-1"})
	equal(t, read(false, 9, byStream("", "b-3", "a-1")), []string{"a-1", "b-3"})
	equal(t, read(true, 9, byStream("-[23]$")), []string{"b-3", "a-3", "b-2", "a-2"})
}

func byType(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
	return &streams.ReadReq_Options_FilterOptions{
		Filter: &streams.ReadReq_Options_FilterOptions_EventType{
			EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
		},
		CheckpointIntervalMultiplier: 1,
	}
}

func byStream(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
	return &streams.ReadReq_Options_FilterOptions{
		Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{
			StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
		},
		CheckpointIntervalMultiplier: 1,
	}
}

func TestReadsThatAreNotPossibleAreRefused(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	subscription := &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	for what, change := range map[string]func(*streams.ReadReq_Options){
		"a filtered stream": func(o *streams.ReadReq_Options) {
			o.StreamOption = fromStart("s")
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: byType("x")}
		},
		"a broken regular expression": func(o *streams.ReadReq_Options) {
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: byType("(?!")}
		},
		"a filter of nothing": func(o *streams.ReadReq_Options) {
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: byType("")}
		},
		"no name":          func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("") },
		"no source":        func(o *streams.ReadReq_Options) { o.StreamOption = nil },
		"no count":         func(o *streams.ReadReq_Options) { o.CountOption = nil },
		"a huge position":  func(o *streams.ReadReq_Options) { o.GetAll().AllOption = allFrom(1 << 63) },
		"backwards, lived": func(o *streams.ReadReq_Options) { o.CountOption, o.ReadDirection = subscription, 1 },
		"no checkpoint interval": func(o *streams.ReadReq_Options) {
			f := byType("x")
			f.CheckpointIntervalMultiplier = 0
			o.CountOption, o.FilterOption = subscription, &streams.ReadReq_Options_Filter{Filter: f}
		},
	} {
		_, _, err := r.read(t, change)
		t.Log(what, err)
		wantCode(t, err, codes.InvalidArgument)
	}
}

func allFrom(position uint64) *streams.ReadReq_Options_AllOptions_Position {
	return &streams.ReadReq_Options_AllOptions_Position{
		Position: &streams.ReadReq_Options_Position{CommitPosition: position, PreparePosition: position},
	}
}

func TestEventsAreAnsweredInTheFormThatIsAskedFor(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	event := named("T", 1)[0]
	n.append(t, "s", event)
	got, _, err := n.raw(t).read(t, func(o *streams.ReadReq_Options) {
		o.StreamOption = fromStart("s")
		o.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: none}}
	})
	must(t, err)
	equal(t, len(got), 1)
	e := got[0].GetEvent()
	equal(t, e.GetEvent().GetId().GetString_(), event.EventID.String())
	equal(t, e.GetCommitPosition(), e.GetEvent().GetPreparePosition())
	holds(t, e.GetEvent().GetMetadata()["created"] != "", "the date is missing")
	got, _, err = n.raw(t).read(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("s") })
	must(t, err)
	equal(t, len(got), 1)
	holds(t, got[0].GetEvent().GetEvent().GetId().GetStructured() != nil, "structured is the default")
}

func TestStreamMetadataLimitsReadsOfTheStreamAndNotOfAll(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 5)...)
	visible := func() []uint64 { return revisions(n.read(t, "s", esdb.ReadStreamOptions{})) }
	n.setMetadata(t, "s", `{"$maxCount":2}`)
	equal(t, visible(), []uint64{3, 4})
	equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards})), []uint64{4, 3})
	n.setMetadata(t, "s", `{"$tb":4}`)
	equal(t, visible(), []uint64{4})
	n.setMetadata(t, "s", `{"$maxAge":1}`)
	deadline := time.Now().Add(patience)
	for len(visible()) > 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond) // until the events are older than a second
	}
	equal(t, visible(), []uint64{}) // expired, but not "not found"
	n.setMetadata(t, "s", `nonsense`)
	equal(t, visible(), []uint64{0, 1, 2, 3, 4})
	all := n.readAll(t, esdb.ReadAllOptions{})
	equal(t, len(all), 6+5+4)
}

func (n running) setMetadata(t testing.TB, stream, json string) {
	t.Helper()
	event := named("$metadata", 1)[0]
	event.Data = []byte(json)
	n.append(t, "$$"+stream, event)
}

func TestOnlyTheNewestMetadataIsVisible(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.setMetadata(t, "s", `{"a":1}`)
	n.setMetadata(t, "s", `{"a":2}`)
	got := n.read(t, "$$s", esdb.ReadStreamOptions{})
	equal(t, revisions(got), []uint64{1})
	equal(t, string(got[0].Event.Data), `{"a":2}`)
}

func TestLinksAreResolvedWhenThatIsAskedFor(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "target", named("T", 2)...)
	for _, to := range []string{"1@target", "7@target", "0@nowhere", "nonsense"} {
		link := named("$>", 1)[0]
		link.Data = []byte(to)
		n.append(t, "links", link)
	}
	for _, e := range n.read(t, "links", esdb.ReadStreamOptions{}) {
		holds(t, e.Link == nil && e.Event.EventType == "$>", "resolved without being asked")
	}
	got := n.read(t, "links", esdb.ReadStreamOptions{ResolveLinkTos: true})
	equal(t, got[0].Event.StreamID, "target")
	equal(t, got[0].Event.EventNumber, 1)
	equal(t, *got[0].Commit, got[0].Link.Position.Commit)
	for _, e := range got[1:] {
		holds(t, e.Event == nil && e.Link != nil, "a link without a target is delivered alone")
	}
	equal(t, n.read(t, "target", esdb.ReadStreamOptions{ResolveLinkTos: true})[0].Link, nil)
}

func TestAllHidesTheBookkeepingOfItsOwnSubscriptions(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	for _, stream := range []string{
		"$epoch-information", "$persistentsubscription-$all::g-checkpoint", "$persistentsubscription-$all::g-parked",
		"$persistentsubscription-s::g-checkpoint",
	} {
		n.append(t, stream, named("T", 1)...)
	}
	var seen []string
	for _, e := range n.readAll(t, esdb.ReadAllOptions{})[6:] {
		seen = append(seen, e.Event.StreamID)
	}
	equal(t, seen, []string{"$persistentsubscription-s::g-checkpoint"})
}

func TestStreamNamesAreAnyBytesOfUTF8(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	for _, name := range []string{"ünï/cødé ☃", "a\x00b", "a", strings.Repeat("x", 1000), "$$$"} {
		n.append(t, name, named("T", 2)...)
		want := 2
		if strings.HasPrefix(name, "$$") {
			want = 1
		}
		equal(t, len(n.read(t, name, esdb.ReadStreamOptions{})), want)
	}
	_, err := n.raw(t).Delete(testContext(t), &streams.DeleteReq{Options: &streams.DeleteReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte("☃")},
		ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: none},
	}})
	wantCode(t, err, codes.FailedPrecondition)
}
