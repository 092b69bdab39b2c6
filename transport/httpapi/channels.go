package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

func (a *messagingAPI) channel(c *call, in *ChannelPath) (queries.Channel, error) {
	found, err := a.Queries.Channel(c, in.ChannelID.UUID)
	c.revision(found.Revision)
	return found, err
}

// makeChannel answers from the wish itself: a new channel is what was asked for.
func makeChannel(c *call, cmd commands.CreateChannel) (queries.Channel, error) {
	r, err := run(c, cmd)
	return queries.Channel{
		ID: cmd.ChannelID, ServerID: cmd.ServerID, Name: cmd.Name, Type: cmd.Type, SourceType: cmd.SourceType,
		SourceID: cmd.SourceID, Topic: cmd.Topic, Metadata: cmd.Metadata, CreatedAt: iso(r.At), UpdatedAt: iso(r.At),
	}, err
}

type newChannel struct {
	Body struct {
		ServerID    serverText `json:"serverId"`
		Name        text       `json:"name"`
		Type        text       `json:"type"`
		SourceType  text       `json:"sourceType"`
		SourceID    text       `json:"sourceId"`
		Topic       text       `json:"topic"`
		Description text       `json:"description" doc:"Another name for the topic."`
		Metadata    object     `json:"metadata"`
	}
}

type channelAnswer struct {
	Channel queries.Channel `json:"channel"`
}

func (a *messagingAPI) createChannel(c *call, in *newChannel) (channelAnswer, error) {
	b := in.Body
	for _, field := range []struct {
		name  string
		value text
	}{{"serverId", text(b.ServerID)}, {"name", b.Name}, {"type", b.Type}} {
		if field.value == "" {
			return channelAnswer{}, missingFields(field.name + ".")
		}
	}
	server, err := events.ParseServerID(string(b.ServerID))
	if err != nil {
		return channelAnswer{}, problem.Invalid("Invalid serverId format")
	}
	made, err := makeChannel(c, commands.CreateChannel{
		ChannelID: c.newID("channel"), ServerID: server, Name: string(b.Name), Type: string(b.Type),
		SourceType: string(b.SourceType), SourceID: string(b.SourceID), Topic: or(b.Topic, string(b.Description)),
		Metadata: b.Metadata.raw(),
	})
	return channelAnswer{made}, err
}

type newGroup struct {
	Body struct {
		Name         text       `json:"name"`
		ServerID     serverText `json:"server_id"`
		Participants []string   `json:"participantCentralUserIds"`
		Type         text       `json:"type"`
		Metadata     object     `json:"metadata"`
		InServer     serverText `json:"serverId" doc:"Another name for server_id; without either it is the default server's."`
		Among        []string   `json:"participantIds" doc:"Another name for participantCentralUserIds."`
	}
}

func (a *messagingAPI) createGroup(c *call, in *newGroup) (queries.Channel, error) {
	b := in.Body
	if b.ServerID == "" && b.Participants == nil { // in the words of the client package
		b.ServerID, b.Participants = cmp.Or(b.InServer, "0"), list(b.Among)
	}
	server, badServer := events.ParseServerID(string(b.ServerID))
	participants, badParticipant := parseIDs(b.Participants)
	if b.Name == "" || badServer != nil || badParticipant != nil || b.Participants == nil {
		return queries.Channel{}, problem.Invalid("Invalid payload. Required: name, server_id (UUID or \"0\"), " +
			"participantCentralUserIds (array of UUIDs). Optional: type, metadata.")
	}
	metadata := b.Metadata.raw()
	if metadata == nil {
		metadata = json.RawMessage(`{}`)
	}
	return makeChannel(c, commands.CreateChannel{
		ChannelID: c.newID("channel"), ServerID: server, Name: string(b.Name), Type: or(b.Type, "GROUP"), Metadata: metadata,
		Participants: participants,
	})
}

type dmQuery struct {
	Target  string `query:"targetUserId"`
	Current string `query:"currentUserId"`
	Both    string `query:"participantIds" doc:"Instead: the two, with a comma between them."`
	Server  string `query:"dmServerId" doc:"The default server, if there is no such."`
}

// dmChannel finds or makes the channel of two. Its id is derived from them: two who ask at once get the same.
func (a *messagingAPI) dmChannel(c *call, in *dmQuery) (queries.Channel, error) {
	if one, other, ok := strings.Cut(in.Both, ","); ok && in.Target == "" && in.Current == "" {
		in.Current, in.Target = strings.TrimSpace(one), strings.TrimSpace(other)
	}
	if in.Target == "" || in.Current == "" {
		return queries.Channel{}, problem.Invalid("Missing targetUserId or currentUserId")
	}
	both, err := parseIDs([]string{in.Target, in.Current})
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
	name := fmt.Sprintf("DM-%s-%s", one, other)
	found, err := a.Queries.ChannelNamed(c, server, "DM", name)
	if !missing(err) {
		c.revision(found.Revision)
		return found, err
	}
	metadata, err := json.Marshal(map[string]uuid.UUID{"user1": one, "user2": other})
	if err != nil {
		return found, err
	}
	return makeChannel(c, commands.CreateChannel{
		ChannelID: events.Derive(server, "DM", one.String(), other.String()), ServerID: server, Name: name, Type: "DM",
		Metadata: metadata, Participants: []uuid.UUID{one, other},
	})
}

type channelPatch struct {
	ChannelPath
	Body struct {
		Name         part[text]     `json:"name"`
		Participants part[[]string] `json:"participantCentralUserIds"`
		Metadata     replacing      `json:"metadata" doc:"Replaces the metadata; null empties it."`
	}
}

func (a *messagingAPI) updateChannel(c *call, in *channelPatch) (queries.Channel, error) {
	var participants *[]uuid.UUID
	if given := in.Body.Participants.value; given != nil {
		ids, err := parseIDs(*given)
		if err != nil {
			return queries.Channel{}, problem.Invalid("Invalid participantCentralUserIds: %s", err)
		}
		participants = &ids
	}
	if _, err := run(c, commands.UpdateChannel{
		ChannelID: in.ChannelID.UUID, Name: (*string)(in.Body.Name.value), Metadata: in.Body.Metadata.raw(), Participants: participants,
	}); err != nil {
		return queries.Channel{}, err
	}
	c.settle()
	return a.channel(c, &in.ChannelPath)
}

func (a *messagingAPI) deleteChannel(c *call, in *ChannelPath) (none, error) {
	_, err := run(c, commands.DeleteChannel{ChannelID: in.ChannelID.UUID})
	return none{}, err
}

type channelMembers struct {
	ChannelPath
	MembersQuery
}

func (a *messagingAPI) participants(c *call, in *channelMembers) ([]uuid.UUID, error) {
	page, err := in.page()
	if err != nil {
		return nil, err
	}
	found, total, err := a.Queries.Participants(c, in.ChannelID.UUID, page)
	c.total = total
	return list(found), err
}

type channelAgents struct {
	ChannelID    uuid.UUID   `json:"channelId"`
	Participants []uuid.UUID `json:"participants"`
}

func (a *messagingAPI) channelAgents(c *call, in *channelMembers) (channelAgents, error) {
	found, err := a.participants(c, in)
	return channelAgents{in.ChannelID.UUID, found}, err
}

type joinChannel struct {
	ChannelPath
	Body agentBody
}

type channelMembership struct {
	ChannelID uuid.UUID `json:"channelId"`
	AgentID   uuid.UUID `json:"agentId"`
	Message   string    `json:"message"`
}

func (a *messagingAPI) joinChannel(c *call, in *joinChannel) (channelMembership, error) {
	agent, err := events.ParseID(string(in.Body.AgentID))
	if err != nil {
		return channelMembership{}, problem.Invalid("Invalid channelId or agentId format")
	}
	_, err = run(c, commands.JoinChannel{ChannelID: in.ChannelID.UUID, ParticipantID: agent})
	return channelMembership{in.ChannelID.UUID, agent, "Agent added to channel successfully"}, err
}

type leaveChannel struct {
	ChannelPath
	AgentPath
}

func (a *messagingAPI) leaveChannel(c *call, in *leaveChannel) (channelMembership, error) {
	_, err := run(c, commands.LeaveChannel{ChannelID: in.ChannelID.UUID, ParticipantID: in.AgentID.UUID})
	return channelMembership{in.ChannelID.UUID, in.AgentID.UUID, "Agent removed from channel successfully"}, err
}

// clearChannel is 204 for a channel that is not there: it has no messages.
func (a *messagingAPI) clearChannel(c *call, in *ChannelPath) (none, error) {
	_, err := run(c, commands.ClearChannel{ChannelID: in.ChannelID.UUID})
	if errors.Is(err, commands.ErrNotFound) {
		err = nil
	}
	return none{}, err
}

// channelDetails names who takes part in the metadata as well, where the client looks before it adds or removes somebody.
func (a *messagingAPI) channelDetails(c *call, in *ChannelPath) (queries.Channel, error) {
	found, err := a.Queries.ChannelDetails(c, in.ChannelID.UUID)
	c.revision(found.Revision)
	return found, err
}
