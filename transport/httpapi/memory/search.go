package memory

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Embedder is the model that memories are embedded with: what is asked is embedded likewise.
type Embedder interface {
	Model() string
	Dimensions() int // 0 where only an answer tells
	// Asked returns what a text means to the model, and to others by which memories may have been embedded before.
	Asked(ctx context.Context, text string) (asked queries.Meaning, others []queries.Meaning, err error)
}

// How memories are searched.
const (
	modeHybrid   = "hybrid"
	modeSemantic = "semantic"
	modeText     = "text"
)

const (
	// maxAsked bounds what memories are searched for, in bytes.
	maxAsked = 8 << 10
	// embedLimit bounds the wait for its vector.
	embedLimit = 5 * time.Second
)

type memorySearch struct {
	frame.AgentPath
	Q         string       `query:"q" doc:"What the memories are about; in full text, a phrase in quotation marks, or between alternatives, - before what must not be there."`
	Query     string       `query:"query" doc:"The same."`
	Limit     int          `query:"limit" default:"10" doc:"At most 1000."`
	Threshold string       `query:"threshold" doc:"The least similarity of what is found by its meaning; in a hybrid search where none is given, what the model calls near."`
	Mode      string       `query:"mode" default:"hybrid" enum:"hybrid,semantic,text"`
	RoomID    string       `query:"roomId" doc:"A room of the agent, or the channel that it is for."`
	ChannelID string       `query:"channelId" doc:"The channel that the agent's room is for."`
	EntityID  string       `query:"entityId"`
	TableName string       `query:"tableName" doc:"Every table where it is not given."`
	From      frame.Moment `query:"from" doc:"Only what is of this time or after."`
	To        frame.Moment `query:"to" doc:"Only what is of this time or before; of a date alone, to its end."`
	frame.WithEmbedding
}

// memoriesFound are the best first. Mode is how they were found: hybrid becomes text while the model cannot be asked.
type memoriesFound struct {
	Memories   []queries.FoundMemory `json:"memories"`
	Mode       string                `json:"mode" enum:"hybrid,semantic,text"`
	Model      string                `json:"model,omitempty" doc:"Whose vectors were compared."`
	Dimensions int                   `json:"dimensions,omitempty"`
}

func (a *api) searchMemories(c *frame.Call, in *memorySearch) (memoriesFound, error) {
	s, err := a.searched(c, in)
	if err != nil {
		return memoriesFound{}, err
	}
	found := memoriesFound{Mode: in.Mode}
	if in.Mode != modeText {
		s.Meaning, s.Others, err = a.meaning(c, s.Words)
		switch {
		case err == nil:
			found.Model, found.Dimensions = s.Model, len(s.Vector)
		case in.Mode == modeSemantic || c.Err() != nil:
			return found, err
		default:
			found.Mode = modeText
		}
	}
	if found.Mode == modeSemantic {
		s.Words = ""
	}
	found.Memories, err = a.Queries.FindMemories(c, s, in.IncludeEmbedding == "true")
	if err == nil && len(found.Memories) == 0 { // perhaps there is nobody who could remember
		_, err = a.Queries.Agent(c, s.Agent)
	}
	found.Memories = frame.List(found.Memories)
	return found, err
}

// searched reads what is asked for.
func (a *api) searched(c *frame.Call, in *memorySearch) (s queries.Search, err error) {
	s = queries.Search{Agent: in.AgentID.UUID, Words: strings.TrimSpace(cmp.Or(in.Q, in.Query)), Table: in.TableName, From: in.From.Time, To: in.To.End()}
	switch {
	case s.Words == "":
		return s, frame.MissingFields("q")
	case len(s.Words) > maxAsked:
		return s, problem.Invalid("Invalid q: more than %d bytes", maxAsked)
	case in.Mode != modeHybrid && in.Mode != modeSemantic && in.Mode != modeText:
		return s, problem.Invalid("Invalid mode: hybrid, semantic or text was expected")
	}
	if s.Limit, err = frame.Bounded(in.Limit); err != nil {
		return s, err
	}
	if in.Threshold != "" {
		least, err := strconv.ParseFloat(in.Threshold, 64)
		if err != nil || math.IsNaN(least) {
			return s, problem.Invalid("Invalid threshold: a number was expected")
		}
		s.Threshold = &least
	}
	if s.Entity, err = frame.OptionalID("entityId", frame.Text(in.EntityID), uuid.Nil); err != nil {
		return s, err
	}
	s.Room, err = a.roomAsked(c, s.Agent, in.RoomID, in.ChannelID)
	return s, err
}

// roomAsked is the agent's room that is named by its id, or by its channel; none where neither is given.
func (a *api) roomAsked(c *frame.Call, agent uuid.UUID, room, channel string) (uuid.UUID, error) {
	switch {
	case channel != "":
		id, err := events.ParseID(channel)
		if err != nil {
			return uuid.Nil, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid channel ID format")
		}
		return commands.AgentRoom{AgentID: agent, ChannelID: id}.RoomID(), nil
	case room != "":
		id, err := events.ParseID(room)
		if err != nil {
			return uuid.Nil, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid room ID format")
		}
		return a.roomOf(c, agent, id)
	}
	return uuid.Nil, nil
}

// meaning is what a text says to the models. What the model has against it is logged; it says nothing of the text.
func (a *api) meaning(c *frame.Call, text string) (asked queries.Meaning, others []queries.Meaning, err error) {
	ctx, cancel := context.WithTimeout(c, embedLimit)
	defer cancel()
	if asked, others, err = a.Embedder.Asked(ctx, text); err != nil {
		if c.Err() == nil {
			a.Logger.WarnContext(c, "what is searched for was not embedded", "model", a.Embedder.Model(), "error", err)
		}
		err = problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "The embedding model cannot be asked. Try again, or search with mode=text.")
	}
	return asked, others, err
}
