package node

import (
	"context"

	"annals/events/esdb"
	serverapi "annals/transport/httpapi/server"
)

// parkedCounts counts what is parked, by group.
func parkedCounts(store *esdb.Store) func(context.Context) (map[string]int64, error) {
	return func(ctx context.Context) (map[string]int64, error) {
		found, err := store.Deliveries(ctx)
		counts := make(map[string]int64, len(found))
		for _, d := range found {
			counts[d.Group] = d.Parked
		}
		return counts, err
	}
}

// deliveries tells of the subscriptions that reactions live of.
func deliveries(store *esdb.Store) func(context.Context) ([]serverapi.Delivery, error) {
	return func(ctx context.Context) ([]serverapi.Delivery, error) {
		found, err := store.Deliveries(ctx)
		out := make([]serverapi.Delivery, len(found))
		for i, d := range found {
			out[i] = serverapi.Delivery{Group: d.Group, Parked: d.Parked, InFlight: d.InFlight, Connections: d.Connections}
		}
		return out, err
	}
}
