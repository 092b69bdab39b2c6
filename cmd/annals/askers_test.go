package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The ways on which an asker wants its answers.
const (
	sessionSocket = "session, websocket"
	sessionHTTP   = "session, http"
	sessionSSE    = "session, sse"
	channelHTTP   = "channel, http"
	channelSSE    = "channel, sse"
	aJob          = "job"
	slowJob       = "job that takes too long"
)

var allWays = []string{sessionSocket, sessionHTTP, sessionSSE, channelHTTP, channelSSE, aJob, slowJob}

// asker is a client of ElizaOS 1.7.2 that asks one question after another, each on one way. Where it gets no answer, since a node is
// killed, it asks the same again of any node, until it has one.
type asker struct {
	nodes   *nodes
	way     string
	agent   string
	session string // the path of its session
	channel string // of its session, or without one
	name    string
	hands   int  // how many questions it asks at a time
	keyless bool // it does not say that it repeats a question

	mu    sync.Mutex
	asked []*exchange
	wrong []string // what no client should be answered
}

// exchange is a question, and what came of it.
type exchange struct {
	way, content string
	number       int
	channel      string   // where it is asked
	ids          []string // of the message, in each answer
	reply, text  string   // what was answered: the message's id and text
	shown        string   // what the last stream showed of it, piece by piece
	job, status  string
	tries        int

	lastEvent string // of the stream
}

func newAsker(t testing.TB, n *nodes, way, agent string, number int) *asker {
	a := &asker{nodes: n, way: way, agent: agent, name: fmt.Sprintf("q%d", number), hands: 1}
	switch {
	case strings.HasPrefix(way, "session"):
		a.hands = 2 // each uses the session while the other's use is repeated
		a.session = n.node(0).openSession(t, agent, nil)
		a.channel = n.node(0).must(t, http.StatusOK, http.MethodGet, a.session, nil).text(t, "channelId")
	case strings.HasPrefix(way, "channel"):
		a.channel = n.node(0).channel(t, "DM", agent)
	}
	return a
}

// text is a member of what an answer holds.
func (a answer) text(t testing.TB, name string) (text string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := a.data(&all); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(all[name], &text)
	return text
}

// ask asks questions until stop is closed, and does not leave the last one unanswered.
func (a *asker) ask(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
			a.once(ctx)
		}
	}
}

// once asks one question.
func (a *asker) once(ctx context.Context) {
	e := a.next()
	for pause := 10 * time.Millisecond; ctx.Err() == nil; time.Sleep(pause) {
		e.tries++
		c := a.nodes.node(rand.IntN(len(a.nodes.running)))
		answered, err := a.try(ctx, c, e)
		if answered {
			return
		}
		if err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.wrong = append(a.wrong, fmt.Sprintf("%s %q: %v", a.way, e.content, err))
			return
		}
	}
}

func (a *asker) next() *exchange {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := &exchange{way: a.way, channel: a.channel, number: len(a.asked), content: fmt.Sprintf("%s-%d", a.name, len(a.asked))}
	if a.way == slowJob {
		e.content += " slowly"
	}
	a.asked = append(a.asked, e)
	return e
}

// try reports whether the question is answered. An error is an answer that no client should get; none came where there is neither.
func (a *asker) try(ctx context.Context, c *client, e *exchange) (answered bool, err error) {
	body := map[string]any{"content": e.content}
	where := a.session + "/messages"
	headers := []string{"Idempotency-Key", e.content}
	switch {
	case a.way == aJob || a.way == slowJob:
		return a.tryJob(ctx, c, e)
	case a.session == "":
		where, headers = "/api/messaging/channels/"+a.channel+"/messages", nil
		body["author_id"], body["message_server_id"] = somebody, defaultServer
		if !a.keyless { // messageId names the message for ever
			body["messageId"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", e.number, nameNumber(a.name))
		}
	case a.keyless:
		headers = nil
	}
	_, transport, _ := strings.Cut(a.way, ", ")
	if body["transport"] = transport; transport == "sse" {
		return e.stream(ctx, c, where, body, headers)
	}
	got, err := c.call(ctx, http.MethodPost, where, body, headers...)
	if err != nil || askAgain(got.status) {
		return false, nil // the node was killed: it is asked again
	}
	return e.take(got, transport == "http")
}

// askAgain reports whether a status says that the client is to ask again.
func askAgain(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusAccepted
}

func nameNumber(name string) (n int) {
	_, _ = fmt.Sscanf(name, "q%d", &n)
	return n
}

// posted is what answers a message.
type posted struct {
	UserMessage   struct{ ID string }
	AgentResponse *struct{ Text, ResponseID string }
}

func (e *exchange) take(got answer, wait bool) (answered bool, err error) {
	var p posted
	if err := json.Unmarshal(got.body, &p); err != nil || got.status != http.StatusCreated {
		return false, fmt.Errorf("%d %s", got.status, got.body)
	}
	e.ids = append(e.ids, p.UserMessage.ID)
	if wait && p.AgentResponse == nil {
		return false, fmt.Errorf("no answer in %s", got.body)
	}
	if wait {
		e.reply, e.text = p.AgentResponse.ResponseID, p.AgentResponse.Text
	}
	return true, nil
}

// stream reads an answer as server-sent events. It resumes where the last stream broke off.
func (e *exchange) stream(ctx context.Context, c *client, where string, body map[string]any, headers []string) (answered bool, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return false, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+where, strings.NewReader(string(text)))
	if err != nil {
		return false, err
	}
	q.Header.Set("Content-Type", "application/json")
	if headers != nil {
		q.Header.Set(headers[0], headers[1])
	}
	if e.lastEvent != "" {
		q.Header.Set("Last-Event-ID", e.lastEvent)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return false, nil // the node was killed
	}
	defer res.Body.Close()
	if askAgain(res.StatusCode) {
		return false, nil
	}
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the stream is refused: %s", res.Status)
	}
	e.shown = ""
	name := ""
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "event":
			name = value
		case "id":
			e.lastEvent = value
		case "data":
			if done, err := e.event(name, []byte(value)); done || err != nil {
				return done, err
			}
		}
	}
	return false, nil // it broke off
}

func (e *exchange) event(name string, data []byte) (done bool, err error) {
	var is struct {
		ID, Chunk, Text, ResponseID, Error string
		Index                              int
	}
	if err := json.Unmarshal(data, &is); err != nil {
		return false, err
	}
	switch name {
	case "user_message":
		e.ids = append(e.ids, is.ID)
	case "chunk":
		if is.Index == 0 {
			e.shown = ""
		}
		e.shown += is.Chunk
	case "done":
		e.reply, e.text = is.ResponseID, is.Text
		return true, nil
	case "error":
		return false, fmt.Errorf("the stream ends with %s", is.Error)
	}
	return false, nil
}

// tryJob creates a job, or finds it again, and asks until it has ended.
func (a *asker) tryJob(ctx context.Context, c *client, e *exchange) (answered bool, err error) {
	timeout := 5 * time.Minute
	if a.way == slowJob {
		timeout = time.Second
	}
	if e.job == "" {
		body := map[string]any{"agentId": a.agent, "userId": somebody, "content": e.content, "timeoutMs": timeout.Milliseconds()}
		got, err := c.call(ctx, http.MethodPost, "/api/messaging/jobs", body, "Idempotency-Key", e.content)
		if err != nil || askAgain(got.status) {
			return false, nil // the node was killed
		}
		var made struct{ JobID string }
		if err := got.data(&made); err != nil {
			return false, err
		}
		e.job = made.JobID
	}
	got, err := c.call(ctx, http.MethodGet, "/api/messaging/jobs/"+e.job, nil)
	if err != nil || askAgain(got.status) || got.status == http.StatusNotFound { // the read models of this node may be behind
		return false, nil // the node was killed
	}
	var is struct {
		Status, ChannelID string
		Result            struct{ Message struct{ ID, Content string } }
	}
	if err := got.data(&is); err != nil {
		return false, err
	}
	e.channel, e.status, e.reply, e.text = is.ChannelID, is.Status, is.Result.Message.ID, is.Result.Message.Content
	return is.Status != "processing", nil
}

// found is what a server has of the questions of an asker in the end.
type found struct {
	messages map[string][]message // of each channel, oldest first
	uses     int                  // of the session
	ends     map[string]int       // of each job: how often it ended
}

// find reads what there is, once every question has an answer.
func (a *asker) find(t *testing.T, c *client) found {
	t.Helper()
	f := found{messages: map[string][]message{}, ends: map[string]int{}}
	for _, e := range a.asked {
		if e.channel == "" || f.messages[e.channel] != nil {
			continue
		}
		if !settles(func() (int, bool) {
			asked, answered := split(c.messages(t, e.channel), a.agent)
			f.messages[e.channel] = slices.Concat(asked, answered)
			return len(asked) + len(answered), len(asked) > 0 && len(answered) >= len(asked)
		}) {
			t.Errorf("%s: not every question has an answer", e.way) // faults names them
		}
		if e.job != "" {
			told := c.must(t, http.StatusOK, http.MethodGet, "/api/history/jobs/"+e.job, nil)
			f.ends[e.job] = strings.Count(string(told.body), `"type":"JobEnded"`)
		}
	}
	if a.session != "" {
		var now struct{ RenewalCount int }
		if err := c.must(t, http.StatusOK, http.MethodGet, a.session, nil).data(&now); err != nil {
			t.Fatal(err)
		}
		f.uses = now.RenewalCount
	}
	return f
}
