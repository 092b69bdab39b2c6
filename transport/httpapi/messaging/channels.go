package messaging

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

func (a *api) channel(c *frame.Call, in *frame.ChannelPath) (queries.Channel, error) {
	found, err := a.Queries.Channel(c, in.ChannelID.UUID)
	c.Revision(found.Revision)
	return found, err
}

// makeChannel answers from the wish itself: a new channel is what was asked for.
func makeChannel(c *frame.Call, cmd commands.CreateChannel) (queries.Channel, error) {
	r, err := frame.Run(c, cmd)
	return queries.Channel{
		ID: cmd.ChannelID, ServerID: cmd.ServerID, Name: cmd.Name, Type: cmd.Type, SourceType: cmd.SourceType,
		SourceID: cmd.SourceID, Topic: cmd.Topic, Metadata: cmd.Metadata, CreatedAt: frame.ISO(r.At), UpdatedAt: frame.ISO(r.At),
	}, err
}

type newChannel struct{ Body ChannelBody }

// ChannelBody takes what clients of both generations say of a channel: its name, its server, and its participants or its type.
type ChannelBody struct {
	Name frame.Text `json:"name"`
	frame.ServerNames
	Participants []string         `json:"participantCentralUserIds"`
	Type         frame.Text       `json:"type" doc:"GROUP where it is not given, but participants are."`
	Metadata     frame.Object     `json:"metadata"`
	InServer     frame.ServerText `json:"serverId" doc:"Another name for message_server_id."`
	Among        []string         `json:"participantIds" doc:"Another name for participantCentralUserIds; then the server may be left out for the default one."`
	SourceType   frame.Text       `json:"sourceType"`
	SourceID     frame.Text       `json:"sourceId"`
	Topic        frame.Text       `json:"topic"`
	Description  frame.Text       `json:"description" doc:"Another name for the topic."`
}

// server is the id that the body gives the server by any of its names.
func (b ChannelBody) server() (id uuid.UUID, err error) {
	given := slices.DeleteFunc([]frame.ServerText{b.InServer, b.ServerID, b.MessageServerID}, func(s frame.ServerText) bool { return s == "" })
	if len(given) == 0 && b.Among != nil {
		return events.DefaultServer, nil
	}
	if len(given) == 0 {
		return id, frame.MissingFields("message_server_id")
	}
	for _, s := range given {
		if id, err = events.ParseServerID(string(s)); err != nil {
			return id, problem.Invalid("Invalid message_server_id format")
		}
	}
	return id, nil
}

// channelMade is the channel, as ElizaOS 1.7.2 answers, and again as the member in which 1.2.0 has it.
type channelMade struct {
	queries.Channel
	Inner queries.Channel `json:"channel"`
}

func (a *api) createChannel(c *frame.Call, in *newChannel) (channelMade, error) {
	b := in.Body
	server, err := b.server()
	if err != nil {
		return channelMade{}, err
	}
	if b.Participants == nil {
		b.Participants = b.Among
	}
	participants, err := frame.ParseIDs(b.Participants)
	if err != nil || b.Name == "" || b.Participants == nil && b.Type == "" {
		return channelMade{}, problem.Invalid("Invalid payload. Required: name, message_server_id (UUID), participantCentralUserIds " +
			"(array of UUIDs) or type. Optional: metadata, topic, sourceType, sourceId.")
	}
	metadata := b.Metadata.Raw()
	if metadata == nil {
		metadata = json.RawMessage(`{}`)
	}
	made, err := makeChannel(c, commands.CreateChannel{
		ChannelID: c.NewID("channel"), ServerID: server, Name: string(b.Name), Type: frame.Or(b.Type, "GROUP"), SourceType: string(b.SourceType),
		SourceID: string(b.SourceID), Topic: frame.Or(b.Topic, string(b.Description)), Metadata: metadata, Participants: participants,
	})
	return channelMade{made, made}, err
}

type dmQuery struct {
	Target  string `query:"targetUserId"`
	Current string `query:"currentUserId"`
	Both    string `query:"participantIds" doc:"Instead: the two, with a comma between them."`
	Server  string `query:"dmServerId" doc:"The default server, if there is no such."`
}

// dmChannel finds or makes the channel of two. Its id is derived from them: two who ask at once get the same.
func (a *api) dmChannel(c *frame.Call, in *dmQuery) (queries.Channel, error) {
	if one, other, ok := strings.Cut(in.Both, ","); ok && in.Target == "" && in.Current == "" {
		in.Current, in.Target = strings.TrimSpace(one), strings.TrimSpace(other)
	}
	if in.Target == "" || in.Current == "" {
		return queries.Channel{}, problem.Invalid("Missing targetUserId or currentUserId")
	}
	both, err := frame.ParseIDs([]string{in.Target, in.Current})
	if err != nil {
		return queries.Channel{}, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid targetUserId or currentUserId format")
	}
	one, other := both[0], both[1]
	if one == other {
		return queries.Channel{}, problem.Invalid("Cannot create DM channel with oneself")
	}
	if one.String() > other.String() {
		one, other = other, one
	}
	server, err := a.serverOr(c, in.Server)
	if err != nil {
		return queries.Channel{}, err
	}
	id, name := events.Derive(server, "DM", one.String(), other.String()), fmt.Sprintf("DM-%s-%s", one, other)
	found, err := a.Queries.Channel(c, id) // whatever it is called by now
	if frame.Missing(err) {
		found, err = a.Queries.ChannelNamed(c, server, "DM", name)
	}
	if !frame.Missing(err) {
		c.Revision(found.Revision)
		return found, err
	}
	if err := c.Changes(); err != nil {
		return found, err
	}
	metadata, err := json.Marshal(map[string]uuid.UUID{"user1": one, "user2": other})
	if err != nil {
		return found, err
	}
	return makeChannel(c, commands.CreateChannel{
		ChannelID: id, ServerID: server, Name: name, Type: "DM",
		Metadata: metadata, Participants: []uuid.UUID{one, other},
	})
}

type channelPatch struct {
	frame.ChannelPath
	Body struct {
		Name         frame.Part[frame.Text] `json:"name"`
		Participants frame.Part[[]string]   `json:"participantCentralUserIds"`
		Metadata     frame.Replacing        `json:"metadata" doc:"Replaces the metadata; null empties it."`
	}
}

func (a *api) updateChannel(c *frame.Call, in *channelPatch) (queries.Channel, error) {
	var participants *[]uuid.UUID
	if given := in.Body.Participants.Value; given != nil {
		ids, err := frame.ParseIDs(*given)
		if err != nil {
			return queries.Channel{}, problem.Invalid("Invalid participantCentralUserIds: %s", err)
		}
		participants = &ids
	}
	if _, err := frame.Run(c, commands.UpdateChannel{
		ChannelID: in.ChannelID.UUID, Name: (*string)(in.Body.Name.Value), Metadata: in.Body.Metadata.Raw(), Participants: participants,
	}); err != nil {
		return queries.Channel{}, err
	}
	c.Settle()
	return a.channel(c, &in.ChannelPath)
}

func (a *api) deleteChannel(c *frame.Call, in *frame.ChannelPath) (frame.None, error) {
	_, err := frame.Run(c, commands.DeleteChannel{ChannelID: in.ChannelID.UUID})
	return frame.None{}, err
}

type channelMembers struct {
	frame.ChannelPath
	frame.MembersQuery
}

func (a *api) participants(c *frame.Call, in *channelMembers) ([]uuid.UUID, error) {
	page, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, total, err := a.Queries.Participants(c, in.ChannelID.UUID, page)
	c.Total = total
	return frame.List(found), err
}

type channelAgents struct {
	ChannelID    uuid.UUID   `json:"channelId"`
	Participants []uuid.UUID `json:"participants"`
}

func (a *api) channelAgents(c *frame.Call, in *channelMembers) (channelAgents, error) {
	found, err := a.participants(c, in)
	return channelAgents{in.ChannelID.UUID, found}, err
}

type joinChannel struct {
	frame.ChannelPath
	Body agentBody
}

type channelMembership struct {
	ChannelID uuid.UUID `json:"channelId"`
	AgentID   uuid.UUID `json:"agentId"`
	Message   string    `json:"message"`
}

func (a *api) joinChannel(c *frame.Call, in *joinChannel) (channelMembership, error) {
	agent, err := events.ParseID(string(in.Body.AgentID))
	if err != nil {
		return channelMembership{}, problem.Invalid("Invalid channelId or agentId format")
	}
	_, err = frame.Run(c, commands.JoinChannel{ChannelID: in.ChannelID.UUID, ParticipantID: agent})
	return channelMembership{in.ChannelID.UUID, agent, "Agent added to channel successfully"}, err
}

type leaveChannel struct {
	frame.ChannelPath
	frame.AgentPath
}

func (a *api) leaveChannel(c *frame.Call, in *leaveChannel) (channelMembership, error) {
	_, err := frame.Run(c, commands.LeaveChannel{ChannelID: in.ChannelID.UUID, ParticipantID: in.AgentID.UUID})
	return channelMembership{in.ChannelID.UUID, in.AgentID.UUID, "Agent removed from channel successfully"}, err
}

// clearChannel is 204 for a channel that is not there: it has no messages.
func (a *api) clearChannel(c *frame.Call, in *frame.ChannelPath) (frame.None, error) {
	_, err := frame.Run(c, commands.ClearChannel{ChannelID: in.ChannelID.UUID})
	if errors.Is(err, commands.ErrNotFound) {
		err = nil
	}
	return frame.None{}, err
}

// channelDetails names who takes part in the metadata as well, where the client looks before it adds or removes somebody.
func (a *api) channelDetails(c *frame.Call, in *frame.ChannelPath) (queries.Channel, error) {
	found, err := a.Queries.ChannelDetails(c, in.ChannelID.UUID)
	c.Revision(found.Revision)
	return found, err
}
