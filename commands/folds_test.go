package commands

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

func TestNoMoreFoldsAreKeptThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	f := newFolds[Agent](log.Store, 3)
	for range 10 {
		id := uuid.New()
		stream := events.AgentStream(id)
		log.Record(stream, time.Now(), events.AgentCreated{AgentID: id, Character: events.Character{Name: "Eliza"}})
		if a, err := f.get(t.Context(), stream); err != nil || !a.state.Exists {
			t.Fatalf("the fold is %+v, %v", a, err)
		}
		f.observe(events.Recorded{Stream: stream, Revision: 1, Event: events.AgentStarted{AgentID: id}})
	}
	if f.kept.Len() != 3 || f.seen.Len() != 3 {
		t.Errorf("%d folds and %d revisions are kept", f.kept.Len(), f.seen.Len())
	}
}
