package reactions

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// Knowledge reads what characters know beside what they say of it.
type Knowledge interface {
	// Documents are the texts that a character's knowledge names, each split into fragments. What cannot be read is left out,
	// and somebody is told.
	Documents(ctx context.Context, knowledge json.RawMessage) ([]Document, error)
}

// Document is a text that agents can be given to know.
type Document struct {
	// Path identifies it among those of a character.
	Path        string
	ContentType string
	Text        string
	// Fragments are its parts, which overlap.
	Fragments []string
}

// learn lets an agent know itself, and the documents that its character names. A document that has changed replaces what was
// known of it.
func (r Remember) learn(ctx context.Context, e events.Recorded, agentID uuid.UUID) error {
	request := r.request(e, agentID, "learn")
	if _, err := commands.OpenSelf(ctx, r.Env, request, agentID); err != nil {
		return err
	}
	agent, err := r.Env.States.Agent(ctx, agentID)
	if err != nil || len(agent.Character.Knowledge) == 0 {
		return err
	}
	documents, err := r.Knowledge.Documents(ctx, agent.Character.Knowledge)
	if err != nil {
		return err
	}
	for _, d := range documents {
		if err := r.learnDocument(ctx, request, agentID, d); err != nil {
			return err
		}
	}
	return nil
}

func (r Remember) learnDocument(ctx context.Context, request commands.Request, agent uuid.UUID, d Document) error {
	id, hash := events.NamedDocumentID(agent, d.Path), events.HashText(d.Text)
	known, err := r.Env.States.Memory(ctx, id)
	if err != nil {
		return err
	}
	if known.Exists && text(members(known.Metadata)["hash"]) != hash {
		forget := request
		forget.ID = events.Derive(request.ID, "forget", hash)
		if _, err := commands.Handle(ctx, r.Env, forget, commands.DeleteMemory{MemoryID: id, AgentID: agent}); err != nil {
			return err
		}
	}
	request.ID = events.Derive(request.ID, "know", hash)
	_, err = commands.Handle(ctx, r.Env, request, commands.StoreMemory{
		MemoryID: id, AgentID: agent, RoomID: agent, EntityID: agent, Table: events.TableDocuments, Unique: true,
		Content: encode(map[string]string{"text": d.Text}),
		Metadata: encode(map[string]any{
			"type": "document", "path": d.Path, "filename": d.Path, "contentType": d.ContentType, "hash": hash, "source": "character",
		}),
	})
	if err != nil {
		return err
	}
	for i, fragment := range d.Fragments {
		_, err := commands.Handle(ctx, r.Env, request, commands.StoreMemory{
			MemoryID: events.FragmentID(id, i, hash), AgentID: agent, RoomID: agent, EntityID: agent,
			Table: events.TableKnowledge, Unique: true, DocumentID: id, Content: encode(map[string]string{"text": fragment}),
			Metadata: encode(map[string]any{"type": "fragment", "documentId": id, "position": i, "source": "character"}),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
