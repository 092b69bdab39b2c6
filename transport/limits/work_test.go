package limits

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A client with little to do begins at once, however many turns others take and wait for.
func TestAClientWithLittleToDoDoesNotWaitForTheTurnsOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWork[string](2, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var greedy sync.WaitGroup
		for range 40 {
			greedy.Go(func() {
				for {
					done, err := w.Take(ctx, "greedy")
					if err != nil {
						return
					}
					time.Sleep(100 * time.Millisecond)
					done()
				}
			})
		}
		for range 50 {
			time.Sleep(time.Second)
			began := time.Now()
			done, err := w.Take(ctx, "ann")
			if err != nil || time.Since(began) > 0 {
				t.Errorf("it waited for %v: %v", time.Since(began), err)
			}
			time.Sleep(5 * time.Millisecond)
			done()
		}
		cancel()
		greedy.Wait()
		if w.taken != 0 || w.waiting != 0 {
			t.Errorf("in the end %d turns are taken, and %d wait", w.taken, w.waiting)
		}
	})
}

// Turns that all want are shared evenly, whatever each does with one.
func TestWorkIsSharedByTheTimeThatItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWork[int](1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		var had [2]time.Duration
		for i, long := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
			for range 5 {
				all.Go(func() {
					for {
						done, err := w.Take(ctx, i)
						if err != nil {
							return
						}
						time.Sleep(long)
						had[i] += long
						done()
					}
				})
			}
		}
		all.Wait()
		if had[0] < 25*time.Second || had[1] < 25*time.Second {
			t.Errorf("they had %v of a minute", had)
		}
	})
}

// Callers that give up lose no turn, and what begins again does not wait.
func TestNoTurnOfWorkIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := NewWork[int](2, 1)
		var all sync.WaitGroup
		for range rapid.IntRange(1, 40).Draw(t, "asked") {
			client, gives := rapid.IntRange(0, 3).Draw(t, "client"), rapid.Bool().Draw(t, "gives up")
			ctx, cancel := context.WithCancel(context.Background())
			all.Go(func() {
				if done, err := w.Take(ctx, client); err == nil {
					done()
					w.Again(client)()
				}
			})
			if gives {
				cancel()
			}
			defer cancel()
		}
		all.Wait()
		if w.taken != 0 || w.waiting != 0 {
			t.Fatalf("in the end %d turns are taken, and %d wait", w.taken, w.waiting)
		}
	})
}

func TestWorkRemembersSoManyClients(t *testing.T) {
	t.Parallel()
	w := NewWork[int](1, 0)
	for i := range 10 * workersKept {
		done, err := w.Take(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		done()
	}
	if len(w.clients) > workersKept {
		t.Errorf("%d clients are remembered", len(w.clients))
	}
}

// A client that asks for forty turns does not keep others waiting for more than the turns that are taken.
func TestTurnsAreSharedAmongClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := NewWork[string](2, 0)
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
		slices.Sort(order[2:5]) // of ann and bob either may be first
		if want := []string{"greedy", "greedy", "ann", "ann", "bob", "greedy", "greedy", "greedy", "greedy"}; !slices.Equal(order, want) {
			t.Errorf("the turns were those of %v", order)
		}
		for client, left := range ends {
			for range left {
				end(client)
			}
		}
		if turns.taken != 0 || turns.waiting != 0 {
			t.Errorf("in the end %d turns are taken, and %d wait", turns.taken, turns.waiting)
		}
	})
}
