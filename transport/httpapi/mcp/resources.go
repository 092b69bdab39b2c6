package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Addresses of resources.
const (
	ofAgent   = "annals://agents/"
	ofChannel = "annals://channels/"
)

const asJSON = "application/json"

// addResources adds what an assistant can read: agents, and channels with their newest messages.
func (c *client) addResources(s *sdk.Server) {
	s.AddResourceTemplate(&sdk.ResourceTemplate{
		Name: "agent", URITemplate: ofAgent + "{agentId}", MIMEType: asJSON, Description: "An agent, with its character.",
	}, c.readAgent)
	s.AddResourceTemplate(&sdk.ResourceTemplate{
		Name: "channel", URITemplate: ofChannel + "{channelId}", MIMEType: asJSON, Description: "The newest messages of a channel, the oldest first.",
	}, c.readChannel)
	s.AddReceivingMiddleware(func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, r sdk.Request) (sdk.Result, error) {
			result, err := next(ctx, method, r)
			if list, ok := result.(*sdk.ListResourcesResult); ok && err == nil { // what the library knows are templates
				list.Resources, err = c.resources(ctx)
			}
			return result, err
		}
	})
}

// resources are the agents and the channels of the default server, as many as a page of the API has.
func (c *client) resources(ctx context.Context) ([]*sdk.Resource, error) {
	agents, err := c.listAgents(ctx, struct{}{})
	if err != nil {
		return nil, err
	}
	channels, err := c.listConversations(ctx, conversationsOf{})
	if err != nil {
		return nil, err
	}
	all := []*sdk.Resource{}
	for _, a := range agents.Agents {
		all = append(all, &sdk.Resource{URI: ofAgent + a.ID, Name: a.Name, MIMEType: asJSON, Description: "An agent."})
	}
	for _, ch := range channels.Channels {
		all = append(all, &sdk.Resource{URI: ofChannel + ch.ID, Name: ch.Name, MIMEType: asJSON, Description: "A channel."})
	}
	return all, nil
}

func (c *client) readAgent(ctx context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	id, err := parsed("agentId", strings.TrimPrefix(r.Params.URI, ofAgent))
	if err != nil {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	var found json.RawMessage
	if err := c.ask(ctx, http.MethodGet, "/api/agents/"+id.String(), nil, nil, &found); err != nil {
		return nil, err
	}
	return contents(r.Params.URI, found), nil
}

func (c *client) readChannel(ctx context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	found, err := c.readConversation(ctx, conversationPart{ChannelID: strings.TrimPrefix(r.Params.URI, ofChannel)})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(found)
	return contents(r.Params.URI, text), err
}

func contents(uri string, text []byte) *sdk.ReadResourceResult {
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: asJSON, Text: string(text)}}}
}
