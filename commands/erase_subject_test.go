package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestEveryErasureOfASubjectIsRecorded(t *testing.T) {
	t.Parallel()
	erased := events.SubjectErased{SubjectID: alice}
	When(Given(), EraseSubject{SubjectID: alice}).Then(t, erased)
	When(Given(erased), EraseSubject{SubjectID: alice}).Then(t, erased)
}
