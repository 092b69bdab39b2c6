package events

import "github.com/google/uuid"

// EnvironmentStream holds what was changed of the environments of servers on this log.
var EnvironmentStream = Stream("environment", uuid.Nil)

var environmentEvents = []Event{EnvironmentChanged{}}

// EnvironmentChanged: the file with a server's local environment was written. The values, which may be secrets, are in it
// alone.
type EnvironmentChanged struct {
	// Keys are the names of what was added, changed or removed.
	Keys []string `json:"keys"`
}

// EventType implements Event.
func (EnvironmentChanged) EventType() string { return "EnvironmentChanged" }
