package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestWhatIsDoneAboutAParkedEventIsRecordedEachTime(t *testing.T) {
	t.Parallel()
	retried := events.ParkedEventRetried{EventID: hello, Reaction: "reply"}
	dropped := events.ParkedEventDropped{EventID: hello, Reaction: "reply"}
	When(Given(), RetryParked{EventID: hello, Reaction: "reply"}).Then(t, retried)
	When(Given(retried), RetryParked{EventID: hello, Reaction: "reply"}).Then(t, retried)
	When(Given(retried), DropParked{EventID: hello, Reaction: "reply"}).Then(t, dropped)
}
