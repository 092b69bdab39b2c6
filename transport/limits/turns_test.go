package limits

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// A client that asks for forty turns does not keep others waiting for more than the turns that are taken.
func TestTurnsAreSharedAmongClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns[string](bound(2))
		var mu sync.Mutex
		var order []string
		ends := map[string][]func(){}
		ask := func(client string) {
			go func() {
				done, err := turns.Take(t.Context(), client)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				order, ends[client] = append(order, client), append(ends[client], done)
			}()
			synctest.Wait()
		}
		end := func(client string) {
			mu.Lock()
			done := ends[client][0]
			ends[client] = ends[client][1:]
			mu.Unlock()
			done()
			synctest.Wait()
		}
		for range 6 {
			ask("greedy")
		}
		ask("ann")
		ask("bob")
		ask("ann")
		for range 7 {
			end(order[len(order)-1]) // the caller that had a turn last
		}
		if want := []string{"greedy", "greedy", "ann", "bob", "ann", "greedy", "greedy", "greedy", "greedy"}; !slices.Equal(order, want) {
			t.Errorf("the turns were those of %v", order)
		}
		for client, left := range ends {
			for range left {
				end(client)
			}
		}
		if turns.taken != 0 || len(turns.clients) != 0 || len(turns.waiting) != 0 {
			t.Errorf("in the end %d turns are taken by %d clients, and %d wait", turns.taken, len(turns.clients), len(turns.waiting))
		}
	})
}

// Callers that give up lose no turn and take none twice.
func TestNoTurnIsLostWhoeverGivesUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		turns := NewTurns[int](bound(3))
		var all sync.WaitGroup
		for range rapid.IntRange(1, 40).Draw(t, "asked") {
			client, gives := rapid.IntRange(0, 3).Draw(t, "client"), rapid.Bool().Draw(t, "gives up")
			ctx, cancel := context.WithCancel(context.Background())
			all.Go(func() {
				done, err := turns.Take(ctx, client)
				if err == nil {
					done()
				} else if !gives || !errors.Is(err, context.Canceled) {
					panic(err)
				}
			})
			if gives {
				cancel()
			}
			defer cancel()
		}
		all.Wait()
		if turns.taken != 0 || len(turns.clients) != 0 || len(turns.waiting) != 0 {
			t.Fatalf("in the end %d turns are taken by %d clients, and %d wait", turns.taken, len(turns.clients), len(turns.waiting))
		}
	})
}
