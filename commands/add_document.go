package commands

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"annals/events"
)

// AddDocument lets an agent know a document that a client gives. Its fragments follow: see StoreFragments.
type AddDocument struct{ StoreMemory }

// Decide implements Command.
func (c AddDocument) Decide(r Request, m Memory, a memoryAdmission) ([]events.Event, error) {
	facts, err := c.StoreMemory.Decide(r, m, a)
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	return append(facts, events.DocumentAdded{MemoryID: c.MemoryID, AgentID: c.AgentID}), nil
}

// Fragments are the parts of a document that an agent remembers.
type Fragments struct {
	DocumentID, AgentID, RoomID, EntityID uuid.UUID
	// Source is where the document is from, as its metadata says.
	Source string
	// Document is the text of the whole, Texts those of the fragments.
	Document string
	Texts    []string
}

// fragmentsAtOnce bounds the commands under way for one document.
const fragmentsAtOnce = 16

// StoreFragments stores those of a document's fragments that are not there yet, and returns the position of the last. One that a client
// has deleted is not stored again, and none of them where the document is gone. Storing the same texts again changes nothing.
func StoreFragments(ctx context.Context, env Env, r Request, f Fragments) (last events.Position, err error) {
	positions, hash := make([]events.Position, len(f.Texts)), events.HashText(f.Document)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fragmentsAtOnce)
	for i, text := range f.Texts {
		g.Go(func() error {
			content, err := json.Marshal(map[string]string{"text": text})
			if err != nil {
				return err
			}
			metadata, err := json.Marshal(map[string]any{"type": "fragment", "documentId": f.DocumentID, "position": i, "source": f.Source})
			if err != nil {
				return err
			}
			done, err := Handle(ctx, env, r, StoreMemory{
				MemoryID: events.FragmentID(f.DocumentID, i, hash), AgentID: f.AgentID, RoomID: f.RoomID, EntityID: f.EntityID,
				Table: events.TableKnowledge, Unique: true, Learned: true, DocumentID: f.DocumentID, Content: content, Metadata: metadata,
			})
			positions[i] = done.Position
			return err
		})
	}
	if err = g.Wait(); errors.Is(err, ErrNotFound) {
		err = nil
	}
	for _, p := range positions {
		last = max(last, p)
	}
	return last, err
}
