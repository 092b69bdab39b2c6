package socketio

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

func TestMessagesOfEveryLengthComeInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	c := w.member(channel)
	var batch []events.Recorded
	for i := range 300 {
		content := strconv.Itoa(i) + strings.Repeat("x", []int{0, 100, 5_000, 70_000}[i%4]) // each form of a frame's length
		batch = append(batch, events.Recorded{Event: events.MessageSubmitted{MessageID: newID(), ChannelID: channel, Content: content}})
	}
	go func() {
		for i := 0; i < len(batch); i += 3 {
			w.hub.Publish(batch[i : i+3])
		}
	}()
	for i := 0; i < len(batch); i++ {
		if i%50 == 0 { // what the library says in between
			c.send(`42` + strconv.Itoa(i) + `["message",{"type":1,"payload":{"channelId":"` + channel.String() + `"}}]`)
		}
		text := c.read()
		for !strings.HasPrefix(text, `42["messageBroadcast"`) {
			text = c.read()
		}
		want := batch[i].Event.(events.MessageSubmitted)
		if !strings.Contains(text, want.MessageID.String()) {
			t.Fatalf("the %d. is %.200s", i, text)
		}
	}
}
