// Package mcp is the Model Context Protocol's way to Annals: assistants search what agents remember, read and hold conversations, and
// audit the log. Each tool asks the REST API one or two questions, as the client that called the tool: what that client may do and read,
// and how it is recorded, is decided there alone.
package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"annals/transport/httpapi/frame"
	"annals/transport/limits"
)

// Path is where the server speaks the protocol.
const Path = "/mcp"

// maxAnswer bounds what a tool gives: an assistant reads all of it.
var maxAnswer = limits.Declare(limits.Bound{
	Name: "mcp.answer", What: "what a tool is given by the API", Per: limits.Request, Value: 1 << 20, Unit: limits.Bytes,
	Answer: "the tool fails, and says to ask for less",
})

// Asker asks the REST API: by requests of its own, or inside the process.
type Asker interface {
	// Do sends a request, whose body has been read or is nil, and returns the status and the body of the answer. An answer that is
	// longer than most bytes is an error.
	Do(r *http.Request, most int) (status int, answer []byte, err error)
}

// Mount adds the route. It keeps no sessions, so that any node answers any request.
func Mount(a *frame.API) {
	schemas := sdk.NewSchemaCache()
	h := sdk.NewStreamableHTTPHandler(func(r *http.Request) *sdk.Server {
		return newServer(a.Version, &inside{a, r}, schemas)
	}, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: frame.MaxBody,
		DisableLocalhostProtection: true, // the frame has looked at the name that the server was called by
	})
	a.Protocol(http.MethodPost, Path, "Speak the Model Context Protocol: tools and resources for assistants", h, aCall, anAnswer)
}

var (
	aCall    = json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`)
	anAnswer = json.RawMessage(`{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"list_agents","inputSchema":{"type":"object"}}]}}`)
)

// NewServer makes a server for one client, whose tools ask the API.
func NewServer(version string, api Asker) *sdk.Server { return newServer(version, api, nil) }

func newServer(version string, api Asker, schemas *sdk.SchemaCache) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "annals", Title: "Annals", Version: version}, &sdk.ServerOptions{
		Instructions: "Annals is a server of agents that keeps every event. Begin with list_agents or list_conversations: other tools take the ids " +
			"that these give. Times are ISO-8601 in UTC; positions are opaque tokens of the log.",
		SchemaCache: schemas, Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}, Resources: &sdk.ResourceCapabilities{}},
	})
	c := &client{api: api}
	c.addTools(s)
	c.addResources(s)
	return s
}

// client asks the API on behalf of the tools.
type client struct{ api Asker }

// ask asks the API for the data of an answer, and decodes it. What the API says is wrong becomes the error.
func (c *client) ask(ctx context.Context, method, path string, query url.Values, body, data any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, (&url.URL{Path: path, RawQuery: query.Encode()}).String(), bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	status, answer, err := c.api.Do(r, maxAnswer.Int())
	if err != nil {
		return err
	}
	var envelope struct {
		Data  json.RawMessage `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return fmt.Errorf("the API answered %d with what is no JSON", status)
	}
	if status >= http.StatusBadRequest {
		return refusal(status, envelope.Error)
	}
	if envelope.Data == nil { // the answer has no envelope
		envelope.Data = answer
	}
	return json.Unmarshal(envelope.Data, data)
}

// refusal is the error of an envelope, in words for a model.
func refusal(status int, of json.RawMessage) error {
	var e struct{ Code, Message string }
	if json.Unmarshal(of, &e) != nil || e.Message == "" {
		return fmt.Errorf("the API answered %d %s", status, http.StatusText(status))
	}
	return fmt.Errorf("%s (%d %s)", e.Message, status, e.Code)
}

var errTooMuch = errors.New("the answer is too long: ask for less, with limit or with more filters")
