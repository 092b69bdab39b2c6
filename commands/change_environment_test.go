package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestOfAChangedEnvironmentTheKeysAreRecorded(t *testing.T) {
	t.Parallel()
	When(Given(), ChangeEnvironment{Keys: []string{"A", "B"}}).Then(t, events.EnvironmentChanged{Keys: []string{"A", "B"}})
	When(Given(), ChangeEnvironment{}).Then(t)
}
