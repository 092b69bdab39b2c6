package live

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// To each of many, the events of one batchWindow are sent together: fewer frames, the same facts in the same order.
func TestToManyTheFactsOfAMomentGoOutTogether(t *testing.T) {
	t.Parallel()
	const facts = 200
	w := newWorld(t)
	all := make([]*client, batchMinClients+8)
	for i := range all {
		all[i], _ = w.watch(`{"subscribe":{}}`)
	}
	first := w.token(w.push(message(uuid.New(), "after a silence")))
	for _, c := range all {
		if h := c.next(); !slices.Equal(positions(h), []string{first}) {
			t.Fatalf("heard %s", h.raw)
		}
	}
	var said []events.Recorded
	for i := range facts {
		e := events.Recorded{Position: w.published + events.Position(i+1), Event: message(uuid.New(), "one of many")}
		e.Stream = streamOf(e.Event)
		said = append(said, e)
	}
	var want []string
	for i, e := range said {
		w.hub.Publish(said[max(0, i-1):i+1], e.Position) // what was published before is skipped
		want = append(want, w.token(e.Position))
	}
	for i, c := range all {
		var got []string
		frames := 0
		for ; len(got) < facts; frames++ {
			h := c.next()
			got = append(got, positions(h)...)
			if h.Position != got[len(got)-1] {
				t.Errorf("a frame up to %s says %s", got[len(got)-1], h.Position)
			}
		}
		if !slices.Equal(got, want) || frames > facts/2 {
			t.Errorf("client %d heard %d facts in %d frames", i, len(got), frames)
		}
	}
}

func TestWhatWasGatheredGoesOutBeforeTheHubCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range batchMinClients {
		w.watch(`{"subscribe":{"types":["LogOpened"]}}`)
	}
	c, _ := w.watch(`{"subscribe":{}}`)
	var want []string
	for range 3 {
		want = append(want, w.token(w.push(message(uuid.New(), "the last"))))
	}
	must(t, w.hub.Close())
	var got []string
	for h, err := c.read(); err == nil; h, err = c.read() {
		got = append(got, positions(h)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("heard %v, not %v", got, want)
	}
}
