package node

import (
	"errors"
	"testing"
	"testing/synctest"

	"annals/projections"
	"annals/projections/engine"
)

// A feed whose URL cannot be read ends at once.
func TestACommandDoesNotWaitForAFeedThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := engine.NewFeed(engine.Options{Projections: projections.All(), Postgres: "postgres://%"})
		if err := feed.Run(t.Context()); err == nil {
			t.Fatal("the feed took a URL that is none")
		}
		if _, err := feed.From(t.Context()); err == nil {
			t.Error("the feed began")
		}
		if err := CatchUp(t.Context(), feed, 1, projections.GroupHistory); !errors.Is(err, engine.ErrBehind) {
			t.Errorf("waited for a feed that has ended: %v", err)
		}
	})
}
