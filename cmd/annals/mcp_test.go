package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"annals/deploy/postgres/pgtest"
)

// assistant is a client of the Model Context Protocol.
type assistant struct{ *sdk.ClientSession }

func assistantOver(t *testing.T, transport sdk.Transport) assistant {
	t.Helper()
	s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return assistant{s}
}

// calls calls a tool, decodes what it gives, and returns its text where it failed.
func (a assistant) calls(t *testing.T, tool string, in map[string]any, out any) (failed string) {
	t.Helper()
	r, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: in})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	text := r.Content[0].(*sdk.TextContent).Text
	if r.IsError {
		return text
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		t.Fatalf("%s: %v: %s", tool, err, text)
	}
	return ""
}

func (a assistant) must(t *testing.T, tool string, in map[string]any, out any) {
	t.Helper()
	if failed := a.calls(t, tool, in, out); failed != "" {
		t.Fatalf("%s: %s", tool, failed)
	}
}

type spoken struct {
	ID, ChannelID, AuthorID, Author, Text string
}

type talkedWith struct {
	ID, ChannelID string
	Replies       []spoken
	Turns         []struct{ TurnID, Outcome string }
}

type verdict struct {
	Well     bool
	Events   int
	Findings []string
}

// An assistant does over HTTP and over stdio what a client of the REST API does, with the same key, and its doings are in the log.
func TestAnAssistantSearchesTalksAndAudits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+dir, "POSTGRES_URL="+pgtest.New(t), "ELIZA_SERVER_AUTH_TOKEN="+attackKey)
	p.http.Transport = keyed{p.http.Transport}
	agent := p.runningAgent(t, "Eliza")
	p.must(t, http.StatusCreated, http.MethodPost, "/api/memory/"+agent+"/memories", map[string]any{
		"content": map[string]any{"text": "Ann keeps her bicycle in the cellar."}, "tableName": "facts", "roomId": agent,
	})
	stdio := exec.Command(os.Args[0], "mcp")
	stdio.Env = append(os.Environ(), asAnnals+"=1", "DATA_DIR="+dir, "ELIZA_SERVER_AUTH_TOKEN="+attackKey)
	stdio.Stderr = os.Stderr
	for name, transport := range map[string]sdk.Transport{
		"http":  &sdk.StreamableClientTransport{Endpoint: p.base + "/mcp", HTTPClient: &http.Client{Transport: keyed{http.DefaultTransport}}},
		"stdio": &sdk.CommandTransport{Command: stdio},
	} {
		t.Run(name, func(t *testing.T) {
			a := assistantOver(t, transport)
			tools, err := a.ListTools(t.Context(), nil)
			if err != nil || len(tools.Tools) != 10 {
				t.Fatalf("%v: %d tools", err, len(tools.Tools))
			}
			for _, tool := range tools.Tools {
				if changes := tool.Name == "send_message"; tool.Annotations.ReadOnlyHint == changes {
					t.Errorf("%s: says of itself that it changes nothing: %t", tool.Name, !changes)
				}
			}
			var agents struct {
				Agents []struct{ ID, Name, Status string }
			}
			a.must(t, "list_agents", nil, &agents)
			if len(agents.Agents) != 1 || agents.Agents[0].ID != agent || agents.Agents[0].Status != "active" {
				t.Errorf("agents: %+v", agents)
			}
			var talked talkedWith
			text := "I am unhappy over " + name
			a.must(t, "send_message", map[string]any{"agentId": agent, "text": text}, &talked)
			if len(talked.Replies) != 1 || len(talked.Turns) != 1 || talked.Turns[0].Outcome != "replied" || talked.Replies[0].Text == "" {
				t.Fatalf("answered: %+v", talked)
			}
			var conversation struct{ Messages []spoken }
			a.must(t, "read_conversation", map[string]any{"channelId": talked.ChannelID}, &conversation)
			i := slices.IndexFunc(conversation.Messages, func(m spoken) bool { return m.Text == text })
			if i < 0 || i+1 >= len(conversation.Messages) || conversation.Messages[i+1].ID != talked.Replies[0].ID {
				t.Errorf("conversation: %+v", conversation)
			}
			var more talkedWith
			a.must(t, "send_message", map[string]any{"channelId": talked.ChannelID, "text": "again", "messageId": "0a0b0c0d-0001-4000-8000-000000000001", "noWait": true}, &more)
			var same talkedWith
			a.must(t, "send_message", map[string]any{"channelId": talked.ChannelID, "text": "again", "messageId": "0a0b0c0d-0001-4000-8000-000000000001"}, &same)
			if same.ID != more.ID || len(same.Replies) != 1 {
				t.Errorf("repeated: %+v after %+v", same, more)
			}
			var found struct {
				Memories []struct {
					Text, Table string
					Score       float64
				}
			}
			a.must(t, "search_memory", map[string]any{"agentId": agent, "query": "where is the bicycle?", "table": "facts"}, &found)
			if len(found.Memories) != 1 || found.Memories[0].Score <= 0 || !strings.Contains(found.Memories[0].Text, "cellar") {
				t.Errorf("memories: %+v", found)
			}
			a.must(t, "search_messages", map[string]any{"query": "unhappy " + name}, &conversation)
			if len(conversation.Messages) == 0 || conversation.Messages[0].Text != text {
				t.Errorf("messages: %+v", conversation)
			}
			var events struct {
				Events []struct{ Type, Actor string }
			}
			a.must(t, "history", map[string]any{"type": "MessageSubmitted", "channel": talked.ChannelID, "limit": 100}, &events)
			if !slices.ContainsFunc(events.Events, func(e struct{ Type, Actor string }) bool { return e.Actor == "key:default" }) {
				t.Errorf("events: %+v", events)
			}
			var story struct {
				Events []any
				Exists *bool
			}
			a.must(t, "story", map[string]any{"kind": "message", "id": talked.ID}, &story)
			if len(story.Events) == 0 {
				t.Error("a message has no story")
			}
			a.must(t, "story", map[string]any{"kind": "message", "id": talked.ID, "asOf": "2099-12-31"}, &story)
			if story.Exists == nil || !*story.Exists {
				t.Errorf("story: %+v", story)
			}
			var why struct{ Turn *struct{ Model string } }
			a.must(t, "why", map[string]any{"turnId": talked.Turns[0].TurnID}, &why)
			if why.Turn == nil || why.Turn.Model != "classic" {
				t.Errorf("why: %+v", why)
			}
			var log verdict
			a.must(t, "verify", nil, &log)
			if !log.Well || log.Events < 10 || len(log.Findings) > 0 {
				t.Errorf("verified: %+v", log)
			}
			resources, err := a.ListResources(t.Context(), nil)
			if err != nil || len(resources.Resources) < 2 {
				t.Fatalf("resources: %v %+v", err, resources)
			}
			for _, r := range resources.Resources {
				read, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: r.URI})
				if err != nil || !json.Valid([]byte(read.Contents[0].Text)) {
					t.Errorf("%s: %v", r.URI, err)
				}
			}
			for _, bad := range []struct {
				tool, says string
				in         map[string]any
			}{
				{"read_conversation", "channelId", map[string]any{"channelId": "../agents"}},
				{"story", "kind", map[string]any{"kind": "server", "id": agent}},
				{"send_message", "one of them", map[string]any{"text": "to nobody"}},
				{"send_message", "not found", map[string]any{"agentId": "00000000-0000-4000-8000-000000000001", "text": "to nobody"}},
				{"search_memory", "mode", map[string]any{"agentId": agent, "query": "x", "mode": "magic"}},
				{"history", "limit", map[string]any{"limit": -1}},
				{"list_agents", "unexpected", map[string]any{"surprise": true}},
			} {
				if failed := a.calls(t, bad.tool, bad.in, new(any)); !strings.Contains(failed, bad.says) {
					t.Errorf("%s %v: %q", bad.tool, bad.in, failed)
				}
			}
		})
	}
	t.Run("without the key", func(t *testing.T) {
		_, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: p.base + "/mcp"}, nil)
		if err == nil {
			t.Error("a stranger is let in")
		}
		stranger := exec.Command(os.Args[0], "mcp")
		stranger.Env = append(os.Environ(), asAnnals+"=1", "DATA_DIR="+dir)
		a := assistantOver(t, &sdk.CommandTransport{Command: stranger})
		if failed := a.calls(t, "list_agents", nil, new(any)); !strings.Contains(failed, "X-API-KEY") {
			t.Errorf("a stranger is told %q", failed)
		}
	})
}
