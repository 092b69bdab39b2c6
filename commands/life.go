package commands

import "annals/events"

// Life is the part of a fold that decides about the children of a thing: whether the thing is there, and where in the log it
// was made, ended and cleared. A child is alive if its parent never ended. If the parent ended, a child is alive only if
// the parent is there and the child was recorded after the parent's first creation since. A child that a clear removes has to be
// recorded after the latest clear, too. So a child that is recorded after the end of its parent is dead for good, whenever it was admitted.
type Life struct {
	Exists  bool
	ended   bool            // at least once
	began   events.Position // the first creation after the last end
	made    events.Position // the last creation: what is gone with a parent of its own is created again without an end
	cleared events.Position // the last time
}

func (l Life) madeAt(p events.Position) Life {
	if !l.Exists {
		l.began = p
	}
	l.Exists, l.made = true, p
	return l
}

func (l Life) clearedAt(p events.Position) Life {
	l.cleared = p
	return l
}

// end returns what decides about children after the end.
func (l Life) end() Life { return Life{ended: true, cleared: l.cleared} }

// holds reports whether a child that was recorded at the position outlived the ends of its parent.
func (l Life) holds(child events.Position) bool { return !l.ended || l.Exists && child > l.began }

// keeps reports whether a child that was recorded at the position outlived the ends and the clears of its parent.
func (l Life) keeps(child events.Position) bool { return l.holds(child) && child > l.cleared }
