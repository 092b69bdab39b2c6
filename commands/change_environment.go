package commands

import "annals/events"

// Environment is what commands know of the changes of local environments: nothing.
type Environment struct{}

// Apply implements State.
func (e Environment) Apply(events.Recorded) Environment { return e }

// ChangeEnvironment notes which keys of the local environment a request changes. No keys are no change.
type ChangeEnvironment struct {
	Unconditional[Environment]

	Keys []string
}

// Stream implements Command.
func (ChangeEnvironment) Stream() events.StreamID { return events.EnvironmentStream }

// Decide implements Command.
func (c ChangeEnvironment) Decide(_ Request, _ Environment, _ Nothing) ([]events.Event, error) {
	if len(c.Keys) == 0 {
		return nil, nil
	}
	return []events.Event{events.EnvironmentChanged{Keys: c.Keys}}, nil
}
