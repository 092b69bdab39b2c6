package reactions

import (
	"context"
	"strings"
	"sync"
	"time"

	"annals/events"
)

// gather is how long pieces of an answer are gathered before they go out together, but for the first.
const gather = 20 * time.Millisecond

// stream sends an answer on in chunks while a model makes it. The model never waits: what comes while a chunk is being
// sent is part of the next one.
type stream struct {
	send func(events.Chunk)
	now  func() time.Time
	more chan struct{} // there is something to send
	quit chan struct{} // there will be no more
	done chan struct{} // all was sent

	mu   sync.Mutex
	next events.Chunk
	text strings.Builder // what is to be sent next
	room int             // what an answer may still say, in bytes
}

var _ Listener = (*stream)(nil)

// generate asks the model, and lets those who watch hear the answer while it comes into being. All that they hear they
// have heard when it returns.
func (t *turn) generate(ctx context.Context, p Prompt) (Completion, error) {
	model, ok := t.model.(Streamer)
	if !ok || t.Stream == nil {
		return t.model.Generate(ctx, p)
	}
	s := &stream{
		send: t.Stream, now: t.Now, more: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		next: events.Chunk{
			MessageID: t.replyID(), ChannelID: t.message.ChannelID, ServerID: t.message.ServerID, AgentID: t.agentID,
			InReplyTo: t.message.MessageID,
		},
	}
	s.Again()
	go s.run()
	defer s.end()
	return model.Stream(ctx, p, s)
}

// Again implements Listener.
func (s *stream) Again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next.Attempt = max(s.now().UnixMilli(), s.next.Attempt+1)
	s.next.Index, s.room = 0, maxReply
	s.text.Reset()
}

// Hear implements Listener.
func (s *stream) Hear(piece string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	piece = recordable(piece)
	if len(piece) > s.room {
		piece = strings.ToValidUTF8(piece[:s.room], "")
	}
	s.room -= len(piece)
	s.text.WriteString(piece)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// end returns when everything was sent.
func (s *stream) end() {
	close(s.quit)
	<-s.done
}

func (s *stream) run() {
	defer close(s.done)
	for {
		select {
		case <-s.more:
			s.flush()
		case <-s.quit:
			s.flush()
			return
		}
		select {
		case <-time.After(gather):
		case <-s.quit:
		}
	}
}

func (s *stream) flush() {
	if c, ok := s.take(); ok {
		s.send(c)
	}
}

// take is the next chunk, if there is any.
func (s *stream) take() (events.Chunk, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() == 0 {
		return events.Chunk{}, false
	}
	c := s.next
	c.Text = s.text.String()
	s.text.Reset()
	s.next.Index++
	return c, true
}
