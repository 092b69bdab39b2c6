package esdb

import (
	"context"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// Deliveries are how far a persistent subscription is.
type Deliveries struct {
	Group string
	// Parked are set aside with a reason, InFlight are being dealt with.
	Parked, InFlight int64
	Connections      int
}

// listLimit bounds asking for the subscriptions.
const listLimit = 2 * time.Second

// Deliveries tells of each persistent subscription of the log.
func (s *Store) Deliveries(ctx context.Context) ([]Deliveries, error) {
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	infos, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) ([]esdb.PersistentSubscriptionInfo, error) {
		return c.ListAllPersistentSubscriptions(ctx, esdb.ListPersistentSubscriptionsOptions{})
	})
	if err != nil {
		return nil, err
	}
	out := make([]Deliveries, len(infos))
	for i, info := range infos {
		out[i] = Deliveries{Group: info.GroupName, Connections: len(info.Connections)}
		if info.Stats != nil {
			out[i].Parked, out[i].InFlight = info.Stats.ParkedMessagesCount, info.Stats.TotalInFlightMessages
		}
	}
	return out, nil
}
