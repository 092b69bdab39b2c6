package portation

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/characters"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/secrets"
)

// character makes the agent where there is none; one that is there stays as it is.
func (i *importing) character(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	agent, err := i.env.States.Agent(ctx, i.agent)
	if err != nil || agent.Exists {
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
	return carryOut(ctx, i, i.line, commands.CreateWorld{
		WorldID: w.ID, AgentID: i.agent, ServerID: w.ServerID, Name: w.Name, Metadata: frame.Given(w.Metadata),
	})
}

func (i *importing) room(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var r ExportedRoom
	if err := json.Unmarshal(raw, &r); err != nil {
		return commands.Result{}, problem.Invalid("no room: %s", err)
	}
	return carryOut(ctx, i, i.line, commands.CreateRoom{
		RoomID: r.ID, AgentID: i.agent, WorldID: orNil(r.WorldID), ChannelID: orNil(r.ChannelID), ServerID: r.ServerID, Name: r.Name,
		Type: frame.Or(frame.Text(r.Type), "DM"), Source: r.Source, Metadata: frame.Given(r.Metadata), Entities: r.Entities,
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
		EntityID: n.ID, AgentID: i.agent, SubjectID: subject, Names: n.Names, Metadata: frame.Given(n.Metadata),
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
	id := orNil(m.ID)
	if id == uuid.Nil {
		id = events.Derive(i.agent, "imported", table, string(raw))
	}
	return commands.StoreMemory{
		MemoryID: id, AgentID: i.agent, RoomID: i.orAgent(m.RoomID), EntityID: i.orAgent(m.EntityID), SubjectID: orNil(m.SubjectID),
		DocumentID: orNil(m.DocumentID), Table: table, Content: content, Metadata: frame.Given(m.Metadata),
		Unique: m.Unique == nil || *m.Unique, Vector: commands.GivenVector{Numbers: vector, Model: m.Model}, At: at,
	}, nil
}

// orAgent is the agent itself where no id is given.
func (i *importing) orAgent(id *uuid.UUID) uuid.UUID {
	if id == nil || *id == uuid.Nil {
		return i.agent
	}
	return *id
}
