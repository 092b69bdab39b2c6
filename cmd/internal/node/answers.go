package node

import (
	"strings"
	"sync"

	"github.com/google/uuid"

	"annals/events"
)

// answers keeps what agents have said so far of the answers that they are giving on this node. An answer has at most as many bytes as
// a model may say, and is forgotten when the agent is done with the message.
type answers struct {
	*notifier // by the message that is answered

	mu   sync.Mutex
	said map[uuid.UUID]*said
}

type said struct {
	attempt int64
	text    strings.Builder
}

func newAnswers() *answers { return &answers{notifier: newNotifier(), said: map[uuid.UUID]*said{}} }

// add takes in the next piece of an answer.
func (a *answers) add(c events.Chunk) {
	a.mu.Lock()
	s := a.said[c.MessageID]
	if s == nil || s.attempt != c.Attempt {
		s = &said{attempt: c.Attempt}
		a.said[c.MessageID] = s
	}
	s.text.WriteString(c.Text)
	a.mu.Unlock()
	a.notify(c.InReplyTo)
}

// end forgets an answer: the agent is done with the message.
func (a *answers) end(message, agent uuid.UUID) {
	a.mu.Lock()
	delete(a.said, events.ReplyID(message, agent))
	a.mu.Unlock()
	a.notify(message)
}

// Text implements messaging.Answers.
func (a *answers) Text(reply uuid.UUID) (text string, attempt int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.said[reply]; s != nil {
		return s.text.String(), s.attempt
	}
	return "", 0
}
