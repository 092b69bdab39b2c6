package problem_test

import (
	"fmt"
	"net/http"
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
