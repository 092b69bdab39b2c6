package esdb

import "context"

// ParkedWithin is Parked with another bound on the bytes that are held.
func (s *Store) ParkedWithin(ctx context.Context, group string, most int) ([]Parked, error) {
	return s.parked(ctx, group, most)
}
