package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
)

// defaultType is the event type of messages whose metadata name none.
const defaultType = "Message"

// Publisher implements Watermill's message.Publisher: the topic is the stream, metadata "type" the event type, and the
// message's UUID becomes the event's id. A message that is published again soon is recorded once.
type Publisher struct {
	store  *Store
	closed atomic.Bool
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher publishes to the store.
func NewPublisher(s *Store) *Publisher { return &Publisher{store: s} }

// Publish implements message.Publisher. The messages are recorded together or not at all; the first one's context bounds
// how long that may take. Facts of ours do not come this way: they are appended by commands, at a revision.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if p.closed.Load() {
		return errors.New("the publisher was closed")
	}
	if len(messages) == 0 {
		return nil
	}
	data := make([]esdb.EventData, len(messages))
	for i, m := range messages {
		metadata, err := json.Marshal(published{m.UUID, m.Metadata})
		if err != nil {
			return fmt.Errorf("message %s: %w", m.UUID, err)
		}
		data[i] = esdb.EventData{
			EventID: eventID(m.UUID), EventType: m.Metadata.Get(metadataType), ContentType: esdb.ContentTypeBinary,
			Data: m.Payload, Metadata: metadata,
		}
		if data[i].EventType == "" {
			data[i].EventType = defaultType
		}
		if json.Valid(m.Payload) {
			data[i].ContentType = esdb.ContentTypeJson
		}
	}
	_, err := persist(messages[0].Context(), p.store.supervisor, func(ctx context.Context, c *esdb.Client) (struct{}, error) {
		_, err := c.AppendToStream(ctx, topic, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, data...)
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

// Close implements message.Publisher. What is being published is not waited for: its caller has the outcome.
func (p *Publisher) Close() error {
	p.closed.Store(true)
	return nil
}

// published is what an event's metadata say of a message.
type published struct {
	UUID     string           `json:"watermillUUID"`
	Metadata message.Metadata `json:"watermill,omitempty"`
}

// eventID is the message's UUID; any other text that Watermill allows there stands for one.
func eventID(text string) uuid.UUID {
	if id, err := uuid.Parse(text); err == nil && id != uuid.Nil {
		return id
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(text))
}

// Keys of the metadata that a delivered message has.
const (
	metadataStream   = "stream"
	metadataType     = "type"
	metadataRevision = "revision"
	metadataPosition = "position"
)
