package frame

import (
	"strings"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"annals/events"
)

// claimsKept bounds how many ids of clients are remembered until the history has what came of them.
const claimsKept = 10_000

// correlations knows which requests the latest ids of clients stand for.
type correlations struct {
	claims *lru.Cache[uuid.UUID, uuid.UUID]
}

func newCorrelations() correlations {
	claims, err := lru.New[uuid.UUID, uuid.UUID](claimsKept)
	if err != nil {
		panic(err) // its size is a constant
	}
	return correlations{claims}
}

// correlation is what the events of a request belong to: what the client calls it, X-Request-ID if that is a UUID, else the trace.
// An id that events of another request belong to already is not taken: nobody adds to what another request caused. Such a
// request, and one without a name, is called by its own id.
func (c *Call) correlation(request uuid.UUID) (id uuid.UUID, trace string) {
	trace = c.gin.GetHeader("Traceparent")
	parts := strings.Split(trace, "-")
	if len(trace) != 55 || len(parts) != 4 {
		trace = ""
	}
	id, err := events.ParseID(c.gin.GetHeader("X-Request-Id"))
	if err != nil && trace != "" {
		id, err = uuid.Parse(parts[1])
	}
	if err != nil || id == uuid.Nil || !c.claims(id, request) {
		return request, trace
	}
	return id, trace
}

// claims reports whether an id stands for this request and no other.
func (c *Call) claims(id, request uuid.UUID) bool {
	if other, claimed, _ := c.api.correlations.claims.PeekOrAdd(id, request); claimed {
		return other == request
	}
	if c.api.Queries == nil {
		return true
	}
	used, err := c.api.Queries.HasCorrelation(c, id)
	return err == nil && !used
}
