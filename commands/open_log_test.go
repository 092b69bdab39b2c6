package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestALogKeepsTheIdentityThatItOpenedWith(t *testing.T) {
	t.Parallel()
	opened := events.LogOpened{LogID: guild}
	When(Given(), OpenLog{LogID: guild}).Then(t, opened)
	When(Given(opened), OpenLog{LogID: lobby}).Then(t)
}
