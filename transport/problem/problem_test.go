package problem_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

func TestAStoreThatIsFullOrAwayIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	for _, err := range []error{events.ErrFull, events.ErrUnavailable, queries.ErrUnavailable} {
		p, cause := problem.Of(fmt.Errorf("append: %w", err))
		if p.Status != http.StatusServiceUnavailable || p.Code != problem.CodeDatabase || cause == nil {
			t.Errorf("%v: status %d, code %s, cause %v", err, p.Status, p.Code, cause)
		}
	}
}

// A log that is refused is reached, and so is the database: the answer names the reason, however many errors it is wrapped in.
func TestALogThatIsRefusedIsNamedAsTheReason(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("%w: %w: event 5 is missing", events.ErrUnavailable, events.ErrOtherLog)
	for _, err := range []error{refused, queries.Outage(refused), fmt.Errorf("read: %w: %w", queries.ErrUnavailable, refused)} {
		if p, cause := problem.Of(err); p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Message, "another log") || cause == nil {
			t.Errorf("%v: %d %s", err, p.Status, p.Message)
		}
	}
}
