package chain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// A log of several heads: what is done to one place is named there, however many heads come after it.
func TestWhatWasDoneInOnePlaceIsNamedThereWhateverComesAfter(t *testing.T) {
	const n = 2500
	var log []events.Raw
	for i := range n {
		log = append(log, events.Raw{
			Encoded: events.Encoded{ID: uuid.New(), Type: "Said"}, Stream: events.StreamID(fmt.Sprintf("message-%d", i)),
			Position: events.Position(i + 1), Created: time.Unix(int64(i), 0),
		})
	}
	var heads []Head
	var h Head
	var chain Hash
	for i, e := range log {
		if chain = h.link(chain, e.ID, entryOf(e)); h.Events == 700 || i == n-10 {
			h.Head = fmt.Sprintf("%x", chain)
			heads = append(heads, h)
			h = Head{}
		}
	}
	for name, c := range map[string]struct {
		tamper func(l []events.Raw, at int) []events.Raw
		says   []string
	}{
		"inserted": {func(l []events.Raw, at int) []events.Raw {
			fresh := l[at]
			fresh.ID = uuid.New()
			for i := at; i < n; i++ {
				l[i].Position++
			}
			return slices.Insert(l, at, fresh)
		}, []string{"position %d (", "was inserted", "+1 from where they were"}},
		"removed": {func(l []events.Raw, at int) []events.Raw {
			for i := at; i < n; i++ {
				l[i].Position--
			}
			return slices.Delete(l, at, at+1)
		}, []string{"the event at position %d was removed", "-1 from where they were"}},
		"swapped": {func(l []events.Raw, at int) []events.Raw {
			l[at], l[at+9] = l[at+9], l[at]
			l[at].Position, l[at+9].Position = l[at+9].Position, l[at].Position
			return l
		}, []string{"was swapped with the event at position %d", "position %d ("}},
		"changed": {func(l []events.Raw, at int) []events.Raw {
			l[at].Type = "Shouted"
			return l
		}, []string{"Shouted at position %d (", "was changed"}},
	} {
		for range 20 {
			at := rand.IntN(n - 20) //nolint:gosec // nothing secret
			var said []string
			check := newChecker(slices.Clone(heads), nil, func(s string) { said = append(said, s) })
			for _, e := range c.tamper(slices.Clone(log), at) {
				if err := check.reach(e.Position); err != nil {
					t.Fatal(err)
				}
				check.segment = append(check.segment, segmentEvent{e, entryOf(e)})
			}
			if err := check.end(); err != nil {
				t.Fatal(err)
			}
			if len(said) > 2 {
				t.Errorf("%s at %d: it is named %d times: %q", name, at+1, len(said), said)
			}
			for _, says := range c.says {
				if strings.Contains(says, "%d") {
					says = fmt.Sprintf(says, at+1)
				}
				if !strings.Contains(strings.Join(said, "\n"), says) {
					t.Errorf("%s at %d: it does not say %q: %q", name, at+1, says, said)
				}
			}
		}
	}
}
