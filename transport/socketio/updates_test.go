package socketio

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// slowDatabase is asked for channels and does not answer until it is released.
type slowDatabase struct {
	Channels
	asked   atomic.Int32
	release chan struct{}
}

func (d *slowDatabase) Channel(ctx context.Context, id uuid.UUID) (queries.Channel, error) {
	d.asked.Add(1)
	select {
	case <-d.release:
		return queries.Channel{ID: id, Name: "now"}, nil
	case <-ctx.Done():
		return queries.Channel{}, ctx.Err()
	}
}

// What is committed is published while the projections wait: the database must not be asked then.
func TestPublishingDoesNotWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	d := &slowDatabase{release: make(chan struct{})}
	w := newWorld(t, func(_ *world, o *Options) { o.Channels = d })
	channel := uuid.New()
	a := w.member(channel)
	began := time.Now()
	for range 100 {
		w.hub.Publish([]events.Recorded{
			{Event: events.ChannelUpdated{ChannelID: channel}},
			{Event: events.MessageDeleted{ChannelID: channel, MessageID: newID()}},
		})
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("publishing took %s", took)
	}
	for range 100 {
		a.next("messageDeleted")
	}
	close(d.release)
	if data := a.next("channelUpdated").data; data["updates"].(map[string]any)["name"] != "now" {
		t.Errorf("updated is %v", data)
	}
	w.hub.Publish([]events.Recorded{{Event: events.ChannelUpdated{ChannelID: uuid.New()}}}) // of nobody's interest
	w.hub.Publish([]events.Recorded{{Event: events.ChannelUpdated{ChannelID: channel}}})
	a.next("channelUpdated")
	if n := d.asked.Load(); n > 5 {
		t.Errorf("the database was asked %d times", n)
	}
}
