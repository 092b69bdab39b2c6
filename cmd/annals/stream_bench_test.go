package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/transport/models/openai/openaitest"
)

// BenchmarkStreaming says things in a channel that 200 listen to, while they are shown sixteen answers in other channels as
// they come into being, fifty chunks a second each: as many as there are channels in which agents think at the same time.
// Beside it the same without any answer. A model that is slowed would take longer than the pauses between its words.
func BenchmarkStreaming(b *testing.B) {
	const words, pause, channels = 6000, 10 * time.Millisecond, 16
	model := openaitest.Start(b, openaitest.Script{
		Answer: func(openaitest.Request) string { return strings.TrimSpace(strings.Repeat("word ", words)) }, Between: pause,
	})
	s := inside(b, func(c *node.Config) { c.OpenAI.BaseURL, c.OpenAI.Model = model.URL, "oracle" })
	agent := s.runningAgent(b, "Teller")
	for b.Loop() {
		quiet, quietSlow, _ := chatter(b, s.base, uuid.NewString(), 0)
		telling := make([]string, channels)
		for i := range telling {
			telling[i] = s.channel(b, "DM", agent)
		}
		asked := len(model.Requests()) + len(telling)
		for _, channel := range telling {
			if _, _, err := s.post(b.Context(), channel, "Tell me a story."); err != nil {
				b.Fatal(err)
			}
		}
		eventually(b, 30*time.Second, "all answers are under way", func() bool { return len(model.Requests()) == asked })
		rate, slow, _ := chatter(b, s.base, uuid.NewString(), 0, telling...)
		b.ReportMetric(rate, "deliveries/s")
		b.ReportMetric(quiet, "quiet-deliveries/s")
		b.ReportMetric(100*rate/quiet, "%of-quiet")
		b.ReportMetric(float64(slow.Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(quietSlow.Microseconds())/1000, "quiet-p99-ms")
		for _, channel := range telling {
			s.must(b, 200, "POST", "/api/messaging/central-channels/"+channel+"/abort", nil)
		}
	}
	b.ReportMetric(0, "ns/op")
}
