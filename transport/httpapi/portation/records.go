package portation

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/characters"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/secrets"
)

// character makes the agent where there is none. One that is there stays as it is, unless it is replaced: its name stays then, and so
// do secrets that the file does not have.
func (i *importing) character(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	agent, err := i.env.States.Agent(ctx, i.agent)
	if err != nil || agent.Exists && i.onConflict != conflictReplace {
		return commands.Result{}, err
	}
	raw, changes, err := characters.Convert(raw)
	if err != nil {
		return commands.Result{}, problem.Invalid("%s", err)
	}
	i.mu.Lock()
	i.result.Converted = changes
	i.mu.Unlock()
	if raw, err = secrets.Import(raw, i.passphrase); err != nil {
		return commands.Result{}, problem.Invalid("%s", err)
	}
	if raw, err = i.api.Secrets.Seal(raw, i.c.Nonce); err != nil {
		return commands.Result{}, err
	}
	if agent.Exists {
		parts := frame.Object(raw).Fields()
		delete(parts, "name")
		return carryOut(ctx, i, i.line, commands.UpdateAgent{AgentID: i.agent, Patch: parts})
	}
	character, err := commands.ParseCharacter(raw)
	if err != nil {
		return commands.Result{}, err
	}
	return carryOut(ctx, i, i.line, commands.CreateAgent{AgentID: i.agent, Character: character})
}

func (i *importing) world(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var w ExportedWorld
	if err := json.Unmarshal(raw, &w); err != nil {
		return commands.Result{}, problem.Invalid("no world: %s", err)
	}
	id, metadata := i.copies.of(w.ID), i.copies.json(frame.Given(w.Metadata))
	if i.onConflict == conflictReplace {
		r, err := carryOut(ctx, i, i.line, commands.UpdateWorld{WorldID: id, AgentID: i.agent, Name: &w.Name, Metadata: metadata})
		if !errors.Is(err, commands.ErrNotFound) {
			return r, err
		} // another agent's stays as it is
	}
	return carryOut(ctx, i, i.line, commands.CreateWorld{
		WorldID: id, AgentID: i.agent, ServerID: i.copies.ofText(w.ServerID), Name: w.Name, Metadata: metadata,
	})
}

func (i *importing) room(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var r ExportedRoom
	if err := json.Unmarshal(raw, &r); err != nil {
		return commands.Result{}, problem.Invalid("no room: %s", err)
	}
	return carryOut(ctx, i, i.line, commands.CreateRoom{
		RoomID: i.copies.of(r.ID), AgentID: i.agent, WorldID: i.copies.of(orNil(r.WorldID)), ChannelID: orNil(r.ChannelID),
		ServerID: i.copies.ofText(r.ServerID), Name: r.Name, Type: frame.Or(frame.Text(r.Type), "DM"), Source: r.Source,
		Metadata: i.copies.json(frame.Given(r.Metadata)), Entities: i.copies.all(r.Entities),
	})
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func (i *importing) entity(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var n ExportedEntity
	if err := json.Unmarshal(raw, &n); err != nil {
		return commands.Result{}, problem.Invalid("no entity: %s", err)
	}
	subject := n.SubjectID
	if subject == uuid.Nil {
		subject = n.ID
	}
	return carryOut(ctx, i, i.line, commands.SeeEntity{
		EntityID: i.copies.of(n.ID), AgentID: i.agent, SubjectID: i.copies.of(subject), Names: n.Names,
		Metadata: i.copies.json(frame.Given(n.Metadata)), OnlyNew: i.onConflict != conflictReplace,
	})
}

// importedMemory also takes what others write: a content that is a text, a table by another name, no ids at all.
type importedMemory struct {
	ID         *uuid.UUID      `json:"id"`
	Type       string          `json:"type"`
	TableName  string          `json:"tableName"`
	CreatedAt  json.Number     `json:"createdAt"`
	Content    json.RawMessage `json:"content"`
	EntityID   *uuid.UUID      `json:"entityId"`
	RoomID     *uuid.UUID      `json:"roomId"`
	SubjectID  *uuid.UUID      `json:"subjectId"`
	DocumentID *uuid.UUID      `json:"documentId"`
	Unique     *bool           `json:"unique"`
	Metadata   json.RawMessage `json:"metadata"`
	Embedding  json.RawMessage `json:"embedding"`
	Model      string          `json:"embeddingModel"`
}

// wish is what a record of a memory asks for. One without an id gets that of what it says, so that it is taken in once.
func (i *importing) wish(raw json.RawMessage) (wish commands.StoreMemory, err error) {
	var m importedMemory
	if err := json.Unmarshal(raw, &m); err != nil {
		return wish, problem.Invalid("no memory: %s", err)
	}
	vector, err := frame.Vector(m.Embedding)
	if err != nil {
		return wish, err
	}
	content := m.Content
	var words string
	if json.Unmarshal(m.Content, &words) == nil && frame.Given(m.Content) != nil {
		content, _ = json.Marshal(map[string]string{"text": words}) // a text always can be
	}
	var at time.Time
	if n, err := m.CreatedAt.Int64(); err == nil && n != 0 {
		if at, err = frame.Since1970(n); err != nil {
			return wish, problem.Invalid("createdAt: %s", err)
		}
		at = at.UTC()
	}
	table := frame.Or(frame.Text(m.TableName), frame.Or(frame.Text(m.Type), events.TableMessages))
	id := i.copies.of(orNil(m.ID))
	if id == uuid.Nil {
		id = events.Derive(i.agent, "imported", table, string(raw))
	}
	return commands.StoreMemory{
		MemoryID: id, AgentID: i.agent, RoomID: i.orAgent(m.RoomID), EntityID: i.orAgent(m.EntityID), SubjectID: i.copies.of(orNil(m.SubjectID)),
		DocumentID: i.copies.of(orNil(m.DocumentID)), Table: table, Content: i.copies.json(content), Metadata: i.copies.json(frame.Given(m.Metadata)),
		Unique: m.Unique == nil || *m.Unique, Vector: commands.GivenVector{Numbers: vector, Model: m.Model}, At: at,
	}, nil
}

// orAgent is the agent itself where no id is given.
func (i *importing) orAgent(id *uuid.UUID) uuid.UUID {
	if id == nil || *id == uuid.Nil {
		return i.agent
	}
	return i.copies.of(*id)
}
