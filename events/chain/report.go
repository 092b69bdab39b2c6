package chain

import (
	"fmt"
	"slices"

	"annals/events"
)

// leaf is what a head remembers of an event.
type leaf [leafSize]byte

// tampered is a stretch of the log that is not what its heads say: what was there, and what is.
type tampered struct {
	positions []events.Position // at which they were
	leaves    []leaf
	now       []events.Raw // without data and metadata
	digests   []leaf
	from, to  events.Position // of the heads
	open      bool            // what comes last may be new
}

// add adds the events up to a head.
func (t *tampered) add(h Head, now []segmentEvent) {
	if t.to = h.Position; t.from == 0 && len(h.Positions) > 0 {
		t.from = h.Positions[0]
	}
	t.positions = append(t.positions, h.Positions...)
	for i := range h.Positions {
		t.leaves = append(t.leaves, leaf(h.Leaves[i*leafSize:]))
	}
	t.addNow(now)
}

func (t *tampered) addNow(now []segmentEvent) {
	for _, e := range now {
		t.digests = append(t.digests, leaf(e.entry.Digest[:leafSize]))
		e.Data, e.Metadata = nil, nil
		t.now = append(t.now, e.Raw)
	}
}

// tellLast names what was done at the end of what heads protect. What comes after that may have been moved there.
func (t *tampered) tellLast(after []segmentEvent, tell func(string)) {
	t.open = true
	t.addNow(after)
	t.tell(tell)
}

// tell names what was done.
func (t *tampered) tell(tell func(string)) {
	if t.to == 0 {
		return
	}
	named := false
	say := func(format string, args ...any) {
		named = true
		tell(fmt.Sprintf(format, args...))
	}
	before := t.before()
	kept := longestAscent(before)
	var stay []int // those that stand where they should among each other
	for i := range t.now {
		switch was := before[i]; {
		case was < 0:
		case t.swapped(before, i):
			say("%swas swapped with the event at position %d", nameOf(t.now[i]), t.positions[was])
		case !kept[i]:
			say("%swas at position %d", nameOf(t.now[i]), t.positions[was])
		default:
			stay = append(stay, i)
		}
	}
	t.between(before, kept, say)
	t.shifted(before, stay, say)
	if !named {
		say("revisions or times of the events from position %d to %d are not as they were, or the heads were tampered with", t.from, t.to)
	}
}

// before tells of each event that is there which one it was, or -1.
func (t *tampered) before() []int {
	at := make(map[leaf]int, len(t.leaves))
	for i, l := range t.leaves {
		at[l] = i
	}
	before := make([]int, len(t.now))
	for i, d := range t.digests {
		before[i] = -1
		if was, ok := at[d]; ok {
			before[i] = was
			delete(at, d) // a copy of it is another event
		}
	}
	return before
}

// swapped tells whether an event stands where the one stood that stands where it stood.
func (t *tampered) swapped(before []int, i int) bool {
	was := t.positions[before[i]]
	other, found := slices.BinarySearchFunc(t.now, was, func(e events.Raw, p events.Position) int { return int(e.Position) - int(p) })
	return found && was != t.now[i].Position && before[other] >= 0 && t.positions[before[other]] == t.now[i].Position
}

// between names what is new and what is missing between the events that were kept.
func (t *tampered) between(before []int, kept []bool, say func(string, ...any)) {
	there := make([]bool, len(t.leaves))
	for _, was := range before {
		if was >= 0 {
			there[was] = true
		}
	}
	next := 0
	var fresh []events.Raw
	gap := func(end int, open bool) {
		var missing []events.Position
		for ; next < end; next++ {
			if !there[next] {
				missing = append(missing, t.positions[next])
			}
		}
		changed := min(len(fresh), len(missing))
		for i, e := range fresh {
			if i < changed {
				say("%swas changed", nameOf(e))
			} else if !open {
				say("%swas inserted", nameOf(e))
			}
		}
		for _, p := range missing[changed:] {
			say("the event at position %d was removed", p)
		}
		fresh = fresh[:0]
	}
	for i, e := range t.now {
		switch {
		case kept[i]:
			gap(before[i], false)
		case before[i] < 0:
			fresh = append(fresh, e)
		}
	}
	gap(len(t.leaves), t.open)
}

// shifted names runs of events that are in their order but at other positions.
func (t *tampered) shifted(before, stay []int, say func(string, ...any)) {
	off := func(i int) int { return int(t.now[i].Position) - int(t.positions[before[i]]) }
	for len(stay) > 0 {
		n := 1
		for n < len(stay) && off(stay[n]) == off(stay[0]) {
			n++
		}
		if by := off(stay[0]); by != 0 {
			say("%d events from position %d to %d are %+d from where they were", n, t.now[stay[0]].Position, t.now[stay[n-1]].Position, by)
		}
		stay = stay[n:]
	}
}

// longestAscent marks a longest ascending choice among numbers, of which those below 0 do not count.
func longestAscent(numbers []int) []bool {
	var ends []int // indexes of the smallest last number of an ascent of each length
	previous := make([]int, len(numbers))
	for i, n := range numbers {
		if n < 0 {
			continue
		}
		length, _ := slices.BinarySearchFunc(ends, n, func(i, n int) int { return numbers[i] - n })
		if previous[i] = -1; length > 0 {
			previous[i] = ends[length-1]
		}
		ends = append(ends[:length], append([]int{i}, ends[min(length+1, len(ends)):]...)...)
	}
	chosen := make([]bool, len(numbers))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = previous[i] {
			chosen[i] = true
		}
	}
	return chosen
}
