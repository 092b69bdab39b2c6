package commands_test

import (
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestARootIsRecordedWhereItIsAnotherThanBefore(t *testing.T) {
	t.Parallel()
	first := events.TeeRootFound{TeeID: uuid.New(), RootID: "1", Root: "software", Evidence: "none", PublicKey: "11"}
	second := first
	second.RootID, second.PublicKey = "2", "22"
	When(Given(), RecordRoot{Found: first}).Then(t, first)
	When(Given(first), RecordRoot{Found: first}).Then(t)
	When(Given(first), RecordRoot{Found: second}).Then(t, second)
	When(Given(first, second), RecordRoot{Found: first}).Then(t, first)
}
