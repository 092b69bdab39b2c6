package memory

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type memoryList struct {
	Memories []queries.Memory `json:"memories"`
	Next     string           `json:"next,omitempty" doc:"Where the page ended early, since it is large or too many are of one millisecond: the before or after of the next one."`
}

// MemoryQuery asks for memories of an agent.
type MemoryQuery struct {
	frame.AgentPath
	Limit     int         `query:"limit" default:"1000" doc:"At most 1000."`
	Before    frame.Place `query:"before" doc:"Only what is of before: a time, or the id of a memory."`
	After     frame.Place `query:"after" doc:"Only what is of after."`
	RoomID    string      `query:"roomId" doc:"A room of the agent, or the channel that it is for."`
	ChannelID string      `query:"channelId" doc:"The channel that the agent's room is for."`
	FilterQuery
	frame.WithEmbedding
}

func (a *api) memories(c *frame.Call, in *MemoryQuery) (memoryList, error) {
	page, err := frame.Between(in.Limit, in.Before, in.After, a.memoryPlace(c, in.AgentID.UUID))
	if err != nil {
		return memoryList{}, err
	}
	f, err := in.filter(c, queries.MemoryFilter{Agent: in.AgentID.UUID})
	if err != nil {
		return memoryList{}, err
	}
	if f.Room, err = a.roomAsked(c, f.Agent, in.RoomID, in.ChannelID); err != nil {
		return memoryList{}, err
	}
	return a.listMemories(c, f, page, in.WithEmbedding)
}

// memoryPlace finds where an agent's memory is in a list.
func (a *api) memoryPlace(c *frame.Call, agent uuid.UUID) func(uuid.UUID) (time.Time, events.Position, error) {
	return func(id uuid.UUID) (time.Time, events.Position, error) {
		m, err := a.Queries.Memory(c, id)
		if err == nil && m.AgentID != agent {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "memory %s not found", id)
		}
		return m.CreatedAt.Time(), m.Stored, err
	}
}

// listMemories lists a page, and counts the whole list. Where members of the metadata matter, rows are read that are not shown.
func (a *api) listMemories(c *frame.Call, f queries.MemoryFilter, p queries.Page, with frame.WithEmbedding) (list memoryList, err error) {
	read := func() (err error) {
		if list, err = a.memoryPage(c, f, p, with); err != nil {
			return err
		}
		if c.Total = len(list.Memories); c.Total >= p.Limit || list.Next != "" || !p.Before.IsZero() || !p.After.IsZero() {
			c.Total, err = a.Queries.CountMemories(c, f)
		}
		return err
	}
	if len(f.Metadata) > 0 {
		return list, c.Expensively(read)
	}
	return list, read()
}

func (a *api) memoryPage(c *frame.Call, f queries.MemoryFilter, p queries.Page, with frame.WithEmbedding) (memoryList, error) {
	found, err := a.Queries.Memories(c, f, p)
	if err != nil {
		return memoryList{}, err
	}
	if with.IncludeEmbedding == "true" {
		found, err = a.Queries.Embed(c, found, p.Before.IsZero() && !p.After.IsZero())
	}
	return memoryList{frame.List(found), frame.NextOf(c, p, true, found, func(m queries.Memory) uuid.UUID { return m.ID })}, err
}

// roomOf is the agent's room that is meant by an id: the room itself or, by the id of a channel, that for the channel.
func (a *api) roomOf(c *frame.Call, agent, id uuid.UUID) (uuid.UUID, error) {
	room, err := a.Env.States.RoomNow(c, id)
	if err != nil || room.Exists {
		return id, err
	}
	return commands.AgentRoom{AgentID: agent, ChannelID: id}.RoomID(), nil
}

// RoomPath names a room of an agent, or the channel that it is for.
type RoomPath struct {
	frame.AgentPath
	RoomID frame.ID `path:"roomId"`
}

type roomMemoryQuery struct {
	RoomPath
	Limit  int         `query:"limit" default:"20" doc:"At most 1000."`
	Before frame.Place `query:"before" doc:"Only what is of this time or before, or before this memory."`
	After  frame.Place `query:"after" doc:"Only what is after."`
	FilterQuery
	frame.WithEmbedding
}

func (a *api) roomMemories(c *frame.Call, in *roomMemoryQuery) (memoryList, error) {
	room, err := a.roomOf(c, in.AgentID.UUID, in.RoomID.UUID)
	if err != nil {
		return memoryList{}, err
	}
	page, err := frame.Between(in.Limit, in.Before, in.After, a.memoryPlace(c, in.AgentID.UUID))
	if err != nil {
		return memoryList{}, err
	}
	f, err := in.filter(c, queries.MemoryFilter{Agent: in.AgentID.UUID, Room: room})
	if err != nil {
		return memoryList{}, err
	}
	if in.Before.IsZero() || page.BeforePosition > 0 {
		return a.listMemories(c, f, page, in.WithEmbedding)
	}
	upTo := page // inclusive, as recorded
	upTo.Before = page.Before.Add(time.Millisecond)
	list, err := a.listMemories(c, f, upTo, in.WithEmbedding)
	if n := len(list.Memories); err != nil || list.Next != "" || n == 0 || list.Memories[n-1].CreatedAt.Time().Before(page.Before) {
		return list, err
	}
	// All are of the time that the client has: it would ask for the same page for ever.
	older, err := a.listMemories(c, f, page, in.WithEmbedding)
	older.Memories = append(list.Memories, older.Memories...)
	return older, err
}

// MemoryPath names a memory of an agent.
type MemoryPath struct {
	frame.AgentPath
	MemoryID frame.ID `path:"memoryId"`
}

func (a *api) memory(c *frame.Call, in *MemoryPath) (queries.Memory, error) {
	found, err := a.Queries.Memory(c, in.MemoryID.UUID)
	if err == nil && found.AgentID != in.AgentID.UUID {
		return queries.Memory{}, problem.New(http.StatusNotFound, problem.CodeNotFound, "memory %s not found", in.MemoryID)
	}
	c.Revision(found.Revision)
	return found, err
}

type newMemory struct {
	frame.AgentPath
	Body struct {
		Content   frame.Object    `json:"content" doc:"What is remembered: {text, …}."`
		Text      frame.Text      `json:"text" doc:"The text alone, in place of content."`
		TableName frame.Text      `json:"tableName" doc:"messages where it is not given."`
		RoomID    frame.Text      `json:"roomId" doc:"The agent's own room where neither this nor channelId is given."`
		ChannelID frame.Text      `json:"channelId"`
		EntityID  frame.Text      `json:"entityId" doc:"The agent itself where it is not given."`
		WorldID   frame.Text      `json:"worldId" doc:"Where it is given, the room must belong to it."`
		Metadata  frame.Object    `json:"metadata"`
		Embedding json.RawMessage `json:"embedding" doc:"Numbers. It follows by itself where it is not given."`
		Model     frame.Text      `json:"embeddingModel" doc:"The model that the embedding is of: memories are compared by one model at a time."`
		Unique    *bool           `json:"unique" doc:"Whether it says something new, true where it is not given. It is false for what another memory of the room and table says already."`
	}
}

func (a *api) storeMemory(c *frame.Call, in *newMemory) (queries.Memory, error) {
	b := in.Body
	content := b.Content.Raw()
	if b.Content == nil {
		if b.Text == "" {
			return queries.Memory{}, frame.MissingFields("content")
		}
		content, _ = json.Marshal(map[string]string{"text": string(b.Text)}) // a text always can be
	}
	entity, err := frame.OptionalID("entityId", b.EntityID, in.AgentID.UUID)
	if err != nil {
		return queries.Memory{}, err
	}
	vector, err := frame.Vector(b.Embedding)
	if err != nil {
		return queries.Memory{}, err
	}
	room, err := a.roomFor(c, in)
	if err != nil {
		return queries.Memory{}, err
	}
	id, table, unique := c.NewID("memory"), frame.Or(b.TableName, events.TableMessages), b.Unique == nil || *b.Unique
	if unique {
		repeated, err := a.Queries.SameText(c, queries.Scope{Agent: in.AgentID.UUID, Room: room, Table: table}, events.MemoryText(content), id)
		if err != nil && !errors.Is(err, queries.ErrUnavailable) { // without the read models, what it repeats is found when it is embedded
			return queries.Memory{}, err
		}
		unique = repeated == uuid.Nil
	}
	cmd := commands.StoreMemory{
		MemoryID: id, AgentID: in.AgentID.UUID, RoomID: room, EntityID: entity, Table: table, Content: content, Metadata: b.Metadata.Raw(), Unique: unique,
		Vector: commands.GivenVector{Numbers: vector, Model: string(b.Model)},
	}
	r, err := frame.Run(c, cmd)
	model := ""
	if vector != nil {
		model = frame.Or(b.Model, events.ModelGiven)
	}
	return queries.Memory{
		ID: cmd.MemoryID, Type: cmd.Table, CreatedAt: queries.Millis(r.At.UnixMilli()), Content: cmd.Content, EntityID: cmd.EntityID,
		AgentID: cmd.AgentID, RoomID: cmd.RoomID, Unique: cmd.Unique, Metadata: orEmpty(cmd.Metadata), Embedding: vector, EmbeddingModel: model,
	}, err
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("{}")
	}
	return raw
}

// roomFor is the room in which a new memory is kept; the rooms for channels and for the agent itself are made when they are
// needed first.
func (a *api) roomFor(c *frame.Call, in *newMemory) (uuid.UUID, error) {
	agent := in.AgentID.UUID
	room, err := frame.OptionalID("roomId", in.Body.RoomID, agent)
	if err != nil {
		return room, err
	}
	channel, err := frame.OptionalID("channelId", in.Body.ChannelID, uuid.Nil)
	if err != nil {
		return room, err
	}
	world, err := frame.OptionalID("worldId", in.Body.WorldID, uuid.Nil)
	if err != nil {
		return room, err
	}
	if room == agent && channel == uuid.Nil {
		_, err := commands.OpenSelf(c, a.Env, c.Request(), agent)
		return room, err
	}
	if channel == uuid.Nil {
		if known, err := a.Env.States.RoomNow(c, room); err != nil || known.Exists {
			if err == nil && world != uuid.Nil && known.WorldID != world {
				err = problem.Invalid("Invalid worldId: the room belongs to another world")
			}
			return room, err
		}
		channel = room
	}
	ch, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return room, err
	}
	if !ch.Exists && in.Body.ChannelID == "" {
		return room, problem.New(http.StatusNotFound, problem.CodeNotFound, "room %s not found", room)
	}
	v := commands.AgentRoom{AgentID: agent, ChannelID: channel, ServerID: ch.ServerID, Source: "client"}
	return v.RoomID(), c.Wrote(v.Open(c, a.Env, c.Request()))
}

type memoryPatch struct {
	MemoryPath
	Body *struct {
		Content   frame.Object    `json:"content" doc:"Replaces the content."`
		Metadata  frame.Object    `json:"metadata" doc:"Replaces the metadata."`
		Embedding json.RawMessage `json:"embedding"`
		Model     frame.Text      `json:"embeddingModel" doc:"The model that the embedding is of."`
	}
}

type memoryUpdated struct {
	ID      uuid.UUID `json:"id"`
	Message string    `json:"message"`
}

func (a *api) updateMemory(c *frame.Call, in *memoryPatch) (memoryUpdated, error) {
	if in.Body == nil {
		return memoryUpdated{}, problem.Invalid("Invalid body: an object is required")
	}
	vector, err := frame.Vector(in.Body.Embedding)
	if err != nil {
		return memoryUpdated{}, err
	}
	_, err = frame.Run(c, commands.UpdateMemory{
		MemoryID: in.MemoryID.UUID, AgentID: in.AgentID.UUID, Content: in.Body.Content.Raw(), Metadata: in.Body.Metadata.Raw(),
		Vector: commands.GivenVector{Numbers: vector, Model: string(in.Body.Model)},
	})
	return memoryUpdated{in.MemoryID.UUID, "Memory updated successfully"}, err
}

func (a *api) deleteMemory(c *frame.Call, in *MemoryPath) (frame.Said, error) {
	_, err := frame.Run(c, commands.DeleteMemory{MemoryID: in.MemoryID.UUID, AgentID: in.AgentID.UUID})
	return frame.Said{Message: "Memory deleted successfully"}, err
}

type memoriesCleared struct {
	Deleted      int    `json:"deleted"`
	DeletedCount int    `json:"deletedCount" doc:"The same, as ElizaOS 1.2.0 calls it."`
	Message      string `json:"message"`
}

func (a *api) clearMemories(c *frame.Call, in *frame.AgentPath) (memoriesCleared, error) {
	n, err := a.Queries.CountMemories(c, queries.MemoryFilter{Agent: in.AgentID.UUID})
	if err != nil {
		return memoriesCleared{}, err
	}
	_, err = frame.Run(c, commands.ClearMemories{AgentID: in.AgentID.UUID})
	return memoriesCleared{n, n, "All agent memories cleared successfully"}, err
}

func (a *api) clearRoom(c *frame.Call, in *RoomPath) (frame.None, error) {
	room, err := a.roomOf(c, in.AgentID.UUID, in.RoomID.UUID)
	if err != nil {
		return frame.None{}, err
	}
	_, err = frame.Run(c, commands.ClearRoom{RoomID: room, AgentID: in.AgentID.UUID})
	return frame.None{}, err
}

type periodQuery struct {
	frame.AgentPath
	From frame.Moment `query:"from" doc:"Only what is of this time or after."`
	To   frame.Moment `query:"to" doc:"Only what is of this time or before; of a date alone, to its end."`
}

func (q periodQuery) period() queries.Period {
	return queries.Period{From: q.From.Time, To: q.To.End()}
}

func (a *api) memoryStats(c *frame.Call, in *periodQuery) (queries.Stats, error) {
	m := queries.Model{Name: a.Embedder.Model(), Dimensions: a.Embedder.Dimensions()}
	return a.Queries.MemoryStats(c, in.AgentID.UUID, in.period(), m)
}

func (a *api) memoryInsights(c *frame.Call, in *periodQuery) (queries.Insights, error) {
	return a.Queries.MemoryInsights(c, in.AgentID.UUID, in.period())
}
