package commands_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestTheMessagesOfAChannelHaveAscendingTimesThoughTheClockStandsStill(t *testing.T) {
	t.Parallel()
	channels := []uuid.UUID{uuid.New(), uuid.New()}
	log := Open(t, events.ServerCreated{ServerID: events.DefaultServer, Name: "s", SourceType: "s"})
	for _, id := range channels {
		handled(t, log, NewRequest(), CreateChannel{ChannelID: id, ServerID: events.DefaultServer, Name: "c", Type: "GROUP"})
	}
	said := map[time.Time]bool{}
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for i := range 20 {
		all.Go(func() {
			m := SubmitMessage{MessageID: uuid.New(), ChannelID: channels[0], AuthorID: uuid.New(), Content: fmt.Sprint(i)}
			result, err := Submit(t.Context(), log.Env, NewRequest(), m)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || said[result.At] {
				t.Errorf("at %s: %v", result.At, err)
			}
			said[result.At] = true
		})
	}
	all.Wait()
	for i := range 20 {
		if !said[Noon.Add(time.Duration(i)*time.Millisecond)] {
			t.Errorf("none is %d ms after the clock", i)
		}
	}

	// Another channel has its own times, and another node's message counts once it is seen.
	say := func(channel uuid.UUID) time.Time {
		result, err := Submit(t.Context(), log.Env, NewRequest(), SubmitMessage{MessageID: uuid.New(), ChannelID: channel, AuthorID: uuid.New(), Content: "c"})
		if err != nil {
			t.Fatal(err)
		}
		return result.At
	}
	log.Env.States.Observe(events.Recorded{
		Stream: events.MessageStream(uuid.New()), Event: events.MessageSubmitted{ChannelID: channels[1]}, Meta: events.Metadata{At: Noon.Add(time.Second)},
	})
	if at := say(channels[1]); !at.Equal(Noon.Add(time.Second + time.Millisecond)) {
		t.Errorf("after another node's message: %s", at)
	}
	if at := say(channels[0]); !at.Equal(Noon.Add(20 * time.Millisecond)) {
		t.Errorf("after 20 messages: %s", at)
	}
}
