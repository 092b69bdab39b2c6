package commands

import "annals/events"

// TeeRoot is the root that a server of the log has found last.
type TeeRoot struct{ ID string }

// Apply implements State.
func (t TeeRoot) Apply(e events.Recorded) TeeRoot {
	if f, ok := e.Event.(events.TeeRootFound); ok {
		t.ID = f.RootID
	}
	return t
}
