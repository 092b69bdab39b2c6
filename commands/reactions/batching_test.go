package reactions

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// slow is a model that answers when it is told to.
type slow struct {
	answer chan struct{}
	mu     sync.Mutex
	calls  []int
}

func (*slow) Model() string   { return "slow" }
func (*slow) Dimensions() int { return 1 }

func (m *slow) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	m.mu.Lock()
	m.calls = append(m.calls, len(texts))
	m.mu.Unlock()
	select {
	case <-m.answer:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = []float32{float32(len(text))}
	}
	return vectors, nil
}

func TestWhileTheModelIsBusyTextsWaitAndGoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := &slow{answer: make(chan struct{})}
		b := newBatching(m)
		var running sync.WaitGroup
		running.Go(func() { b.work(ctx) })
		ask := func(n int) {
			text := strings.Repeat("x", n)
			running.Go(func() {
				if v, err := b.vector(ctx, text); err != nil || v[0] != float32(n) {
					t.Errorf("text %d got %v, %v", n, v, err)
				}
			})
		}
		for n := range 2 {
			ask(n)
			synctest.Wait()
		}
		for n := range 150 {
			ask(2 + n)
		}
		synctest.Wait()
		for range 5 {
			m.answer <- struct{}{}
			synctest.Wait()
		}
		cancel()
		running.Wait()
		if len(m.calls) != 5 || m.calls[0] != 1 || m.calls[1] != 1 || m.calls[2] != 64 || m.calls[3] != 64 || m.calls[4] != 22 {
			t.Errorf("the calls had %v texts", m.calls)
		}
	})
}

func TestWhoLeavesWhileTheModelIsBusyIsNotHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBatching(&slow{answer: make(chan struct{})})
		var running sync.WaitGroup
		running.Go(func() { b.work(ctx) })
		leaving, leave := context.WithCancel(ctx)
		for range 10 {
			running.Go(func() {
				if _, err := b.vector(leaving, "text"); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		cancel()
		running.Wait()
	})
}
