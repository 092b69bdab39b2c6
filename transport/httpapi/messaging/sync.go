package messaging

import (
	"slices"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// deleteServer removes a server. Its channels end with it; those that there are now are deleted, too, so that the clients in them
// are told.
func (a *api) deleteServer(c *frame.Call, in *frame.ServerPath) (frame.None, error) {
	channels, err := a.channelsOf(c, in.ServerID.UUID)
	if err != nil {
		return frame.None{}, err
	}
	if _, err := frame.Run(c, commands.DeleteServer{ServerID: in.ServerID.UUID}); err != nil {
		return frame.None{}, err
	}
	c.ForgetRevision() // it was about the server
	for _, id := range channels {
		if _, err := frame.Run(c, commands.DeleteChannel{ChannelID: id}); err != nil {
			return frame.None{}, err
		}
	}
	return frame.None{}, nil
}

func (a *api) channelsOf(c *frame.Call, server uuid.UUID) (all []uuid.UUID, err error) {
	for p := (queries.Page{Limit: queries.MaxLimit}); ; {
		found, _, err := a.Queries.Channels(c, server, p)
		if err != nil || len(found) == 0 {
			return all, err
		}
		for _, channel := range found {
			all = append(all, channel.ID)
		}
		last := found[len(found)-1]
		p.After, p.AfterPosition = last.CreatedAt.Time(), last.Created
	}
}

// maxSynced bounds how many channels one request may name.
const maxSynced = 1000

// channelElsewhere is a channel as the request tells of it.
type channelElsewhere struct {
	Name     frame.Text   `json:"name"`
	Type     frame.Text   `json:"type"`
	SourceID frame.Text   `json:"sourceId"`
	Topic    frame.Text   `json:"topic"`
	Metadata frame.Object `json:"metadata"`
}

type syncRequest struct {
	frame.ServerPath
	Body struct {
		Channels *[]channelElsewhere `json:"channels" doc:"What there is elsewhere; channels that are not named stay."`
	}
}

type syncAnswer struct {
	Synced   int         `json:"synced"`
	Channels []uuid.UUID `json:"channels" doc:"Their ids, in the order of the request."`
}

// syncChannels makes the channels that a server has elsewhere, and names those that there are as they are named there.
func (a *api) syncChannels(c *frame.Call, in *syncRequest) (answer syncAnswer, err error) {
	if in.Body.Channels == nil {
		return answer, frame.MissingFields("channels")
	}
	wanted := *in.Body.Channels
	if len(wanted) > maxSynced {
		return answer, problem.Invalid("Invalid channels: more than %d", maxSynced)
	}
	sources := make([]string, len(wanted))
	for i, w := range wanted {
		if w.Name == "" || w.SourceID == "" {
			return answer, problem.Invalid("Invalid channels: number %d lacks a name or a sourceId", i)
		}
		if slices.Contains(sources[:i], string(w.SourceID)) {
			return answer, problem.Invalid("Invalid channels: number %d repeats a sourceId", i)
		}
		sources[i] = string(w.SourceID)
	}
	server, err := a.Queries.Server(c, in.ServerID.UUID)
	if err != nil {
		return answer, err
	}
	there, err := a.Queries.ChannelsFrom(c, server.ID, sources)
	if err != nil {
		return answer, err
	}
	channels := make([]commands.CreateChannel, len(wanted))
	for i, w := range wanted {
		channels[i] = commands.CreateChannel{
			ChannelID: events.Derive(server.ID, "channel", sources[i]), ServerID: server.ID, Name: string(w.Name), Type: frame.Or(w.Type, "GROUP"),
			SourceType: server.SourceType, SourceID: sources[i], Topic: string(w.Topic), Metadata: w.Metadata.Raw(),
		}
		if err := trySync(c, channels[i], there); err != nil {
			return answer, err
		}
	}
	answer.Channels = make([]uuid.UUID, len(wanted))
	for i, channel := range channels {
		if answer.Channels[i], err = syncChannel(c, channel, there); err != nil {
			return answer, err
		}
	}
	answer.Synced = len(wanted)
	return answer, nil
}

// syncChannel makes a channel, or names the one that there is of its source.
func syncChannel(c *frame.Call, wanted commands.CreateChannel, there map[string]uuid.UUID) (uuid.UUID, error) {
	id, ok := there[wanted.SourceID]
	if !ok {
		_, err := frame.Run(c, wanted)
		return wanted.ChannelID, err
	}
	_, err := frame.Run(c, renamed(id, wanted))
	return id, err
}

// trySync reports why syncChannel would fail.
func trySync(c *frame.Call, wanted commands.CreateChannel, there map[string]uuid.UUID) error {
	if id, ok := there[wanted.SourceID]; ok {
		return frame.Try(c, renamed(id, wanted))
	}
	return frame.Try(c, wanted)
}

func renamed(id uuid.UUID, as commands.CreateChannel) commands.UpdateChannel {
	name := as.Name
	return commands.UpdateChannel{ChannelID: id, Name: &name, Metadata: as.Metadata}
}
