package reactions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// Knowledge reads what characters know beside what they say of it.
type Knowledge interface {
	// Named returns what a character's knowledge names.
	Named(ctx context.Context, knowledge json.RawMessage) (Named, error)
	// Learned lists the paths of the documents that an agent remembers because its character named them, once everything that is in
	// the log can be read.
	Learned(ctx context.Context, agent uuid.UUID) ([]string, error)
	// Split cuts a text into fragments.
	Split(text string) ([]string, error)
}

// Named is what a character's knowledge names.
type Named struct {
	Documents []Document
	// Unreadable are paths of files and folders that are named and cannot be read now. What is remembered of them stays.
	Unreadable []string
}

// names reports whether the knowledge names what has the path, or may do so.
func (n Named) names(p string) bool {
	return slices.ContainsFunc(n.Documents, func(d Document) bool { return d.Path == p }) ||
		slices.ContainsFunc(n.Unreadable, func(u string) bool { return u == p || u == "." || strings.HasPrefix(p, u+"/") })
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
// known of it, and one that is no longer named is forgotten. What a client has deleted stays away.
func (r Remember) learn(ctx context.Context, e events.Recorded, agentID uuid.UUID) error {
	request := r.request(e, agentID, "learn")
	if _, err := commands.OpenSelf(ctx, r.Env, request, agentID); err != nil {
		return err
	}
	agent, err := r.Env.States.Agent(ctx, agentID)
	if err != nil {
		return err
	}
	named, err := r.Knowledge.Named(ctx, agent.Character.Knowledge)
	if err != nil {
		return err
	}
	if err := r.forget(ctx, request, agentID, named); err != nil {
		return err
	}
	for _, d := range named.Documents {
		if err := r.learnDocument(ctx, request, agentID, d); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the documents that the character no longer names.
func (r Remember) forget(ctx context.Context, request commands.Request, agent uuid.UUID, named Named) error {
	learned, err := r.Knowledge.Learned(ctx, agent)
	if err != nil {
		return fmt.Errorf("%w: %w", errBehind, err)
	}
	for _, p := range learned {
		if named.names(p) {
			continue
		}
		if err := r.forgetDocument(ctx, request, agent, events.NamedDocumentID(agent, p)); err != nil {
			return err
		}
	}
	return nil
}

func (r Remember) forgetDocument(ctx context.Context, request commands.Request, agent, id uuid.UUID) error {
	request.ID = events.Derive(request.ID, "forget", id.String())
	_, err := commands.Handle(ctx, r.Env, request, commands.DeleteMemory{MemoryID: id, AgentID: agent, Forgotten: true})
	return err
}

func (r Remember) learnDocument(ctx context.Context, request commands.Request, agent uuid.UUID, d Document) error {
	id, hash := events.NamedDocumentID(agent, d.Path), events.HashText(d.Text)
	known, err := r.Env.States.Memory(ctx, id)
	if err != nil {
		return err
	}
	if known.Exists && known.StoredText() != d.Text {
		if err := r.forgetDocument(ctx, request, agent, id); err != nil {
			return err
		}
	}
	request.ID = events.Derive(request.ID, "know", hash)
	_, err = commands.Handle(ctx, r.Env, request, commands.StoreMemory{
		MemoryID: id, AgentID: agent, RoomID: agent, EntityID: agent, Table: events.TableDocuments, Unique: true, Learned: true,
		Content: encode(map[string]string{"text": d.Text}),
		Metadata: encode(map[string]any{
			"type": "document", "path": d.Path, "filename": d.Path, "contentType": d.ContentType, "hash": hash, "source": "character",
		}),
	})
	if err != nil {
		return err
	}
	_, err = commands.StoreFragments(ctx, r.Env, request, commands.Fragments{
		DocumentID: id, AgentID: agent, RoomID: agent, EntityID: agent, Source: "character", Document: d.Text, Texts: d.Fragments,
	})
	return err
}

// complete stores the fragments of a document that a client gave, as far as they are not there: the server may have ended before.
func (r Remember) complete(ctx context.Context, e events.Recorded, f events.DocumentAdded) error {
	document, err := r.Env.States.Memory(ctx, f.MemoryID)
	if err != nil || !document.Exists {
		return err
	}
	text := document.StoredText()
	fragments, err := r.Knowledge.Split(text)
	if err != nil {
		return err
	}
	_, err = commands.StoreFragments(ctx, r.Env, r.request(e, f.AgentID, "fragments"), commands.Fragments{
		DocumentID: f.MemoryID, AgentID: f.AgentID, RoomID: document.RoomID, EntityID: document.EntityID, Source: "upload",
		Document: text, Texts: fragments,
	})
	return err
}
