package reactions_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
)

// watch sees who thinks when: it holds everybody up until as many as expected think at once.
type watch struct {
	mu       sync.Mutex
	now, top int
	order    map[string][]string
	enough   chan struct{}
	expect   int
}

func (w *watch) answer(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	text := p.Turns[len(p.Turns)-1].Text
	var channel, n string
	if _, err := fmt.Sscan(text, &channel, &n); err != nil {
		return reactions.Completion{}, err
	}
	w.mu.Lock()
	w.now++
	w.top = max(w.top, w.now)
	if w.now == w.expect {
		close(w.enough)
		w.expect = 0
	}
	w.order[channel] = append(w.order[channel], n+" begins")
	w.mu.Unlock()
	select {
	case <-w.enough:
	case <-ctx.Done():
		return reactions.Completion{}, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
	w.order[channel] = append(w.order[channel], n+" ends")
	return reactions.Completion{Text: "Good evening."}, nil
}

func TestDeliveriesOfAChannelComeOneAfterAnotherAndSixteenChannelsAtOnce(t *testing.T) {
	t.Parallel()
	const channels, messages, atOnce = 20, 3, 16
	w := newWorld(t)
	iris := w.agent("Iris")
	ids := make([]uuid.UUID, channels)
	for i := range ids {
		ids[i] = w.channel("DM", ada, iris)
	}
	var asked []uuid.UUID
	for n := range messages {
		for i, channel := range ids {
			asked = append(asked, w.say(channel, fmt.Sprint("channel-", i, " ", n)))
		}
	}
	seen := &watch{order: map[string][]string{}, enough: make(chan struct{}), expect: atOnce}
	w.live(&model{answer: seen.answer})
	done := map[uuid.UUID]bool{}
	w.await("every answer", func(e events.Recorded) bool {
		if end, ok := e.Event.(events.TurnCompleted); ok {
			done[end.MessageID] = true
		}
		return len(done) == len(asked)
	})
	if seen.top != atOnce {
		t.Errorf("at most %d channels were dealt with at once", seen.top)
	}
	for channel, got := range seen.order {
		if fmt.Sprint(got) != "[0 begins 0 ends 1 begins 1 ends 2 begins 2 ends]" {
			t.Errorf("%s: %v", channel, got)
		}
	}
	for _, message := range asked {
		w.answeredOnce(message, iris)
	}
}
