package main

import (
	"context"

	"annals/events/esdb"
	"annals/transport/httpapi"
)

// deliveries tells of the subscriptions that reactions live of.
func deliveries(store *esdb.Store) func(context.Context) ([]httpapi.Delivery, error) {
	return func(ctx context.Context) ([]httpapi.Delivery, error) {
		found, err := store.Deliveries(ctx)
		out := make([]httpapi.Delivery, len(found))
		for i, d := range found {
			out[i] = httpapi.Delivery{Group: d.Group, Parked: d.Parked, InFlight: d.InFlight, Connections: d.Connections}
		}
		return out, err
	}
}
