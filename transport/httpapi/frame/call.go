package frame

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/limits"
	"annals/transport/problem"
)

// Groups of projections. Operations answer from core unless they say otherwise (see reads).
const (
	Core     = "core"
	Memories = "memories"
	Vectors  = "vectors"
	History  = "history"
)

// readable bounds how long a request waits for the read models.
const readable = 2 * time.Second

// Call is one request on its way to its answer. It is the context of everything that is done for it.
type Call struct {
	context.Context
	api       *API
	gin       *gin.Context
	operation *operation
	// actor is who authenticated.
	Actor string
	// bodyHash is set where an Idempotency-Key came with the body.
	bodyHash string
	made     commands.Request

	pages      *limits.Share // what was read for the answer, where that is much
	endedEarly bool          // a page that was read

	written, settled events.Position
	stale            bool   // what was settled cannot be read yet
	tag              string // strong ETag
	Total            int    // X-Total-Count
	Message          string // beside the data
	Status           int    // instead of that of the operation
	work             work
	ends             []func() // what is called when the request has ended
	// stream, where it is set, writes the answer instead of the envelope. It may take longer than an operation has: its
	// context is unbounded, which ends with the client.
	Stream    func()
	Unbounded context.Context
}

type callKey struct{}

// callOf is the call that the context belongs to.
func callOf(ctx context.Context) *Call { return ctx.Value(callKey{}).(*Call) }

// Value implements context.Context.
func (c *Call) Value(key any) any {
	if key == (callKey{}) || key == (queries.ReaderKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Request says to commands who asks, when and why; it is the same for every command of a call.
func (c *Call) Request() commands.Request {
	if c.made.ID == uuid.Nil {
		c.made = commands.Request{
			ID: c.api.NewID(), At: c.api.Clock().UTC().Truncate(time.Millisecond), Actor: c.Actor, Body: c.bodyHash,
		}
		if c.bodyHash != "" {
			c.made.ID = c.derive("request")
		}
		c.made.Correlation, c.made.Trace = c.correlation(c.made.ID)
		c.made.Causation = c.made.ID
		c.made.IfRevision = c.ifRevision()
	}
	return c.made
}

// ifRevision is the revision that If-Match names; one that nothing has if it names none of ours.
func (c *Call) ifRevision() *uint64 {
	tag := strings.TrimSpace(c.gin.GetHeader("If-Match"))
	if tag == "" || tag == "*" || (c.gin.Request.Method != http.MethodPatch && c.gin.Request.Method != http.MethodDelete) {
		return nil
	}
	revision := uint64(math.MaxInt64)
	if digits, ok := strings.CutPrefix(strings.Trim(tag, `"`), "r"); ok {
		if n, err := strconv.ParseUint(digits, 10, 62); err == nil && !strings.HasPrefix(tag, "W/") {
			revision = n
		}
	}
	return &revision
}

// derive makes an id that is the same whenever the caller repeats the request under its Idempotency-Key.
func (c *Call) derive(what string) uuid.UUID {
	return events.Derive(c.api.Log, c.Actor, c.gin.Request.Method, c.gin.Request.URL.Path, c.gin.GetHeader("Idempotency-Key"), what)
}

// NewID is the id of something that the request makes.
func (c *Call) NewID(what string) uuid.UUID {
	if c.bodyHash != "" {
		return c.derive(what)
	}
	return c.api.NewID()
}

// subjectNames are the members of a body that name the person that an operation is about.
var subjectNames = []string{"author_id", "authorId", "senderId", "entityId", "entity_id", "userId", "user_id"}

// subjectOf returns the person that a body names, and otherwise one that stands for the caller.
func (c *Call) subjectOf(body []byte) uuid.UUID {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // what is no object names nobody
	for _, name := range subjectNames {
		var text string
		if json.Unmarshal(members[name], &text) != nil {
			continue
		}
		if id, err := events.ParseID(text); err == nil && id != uuid.Nil {
			return id
		}
	}
	return events.Derive(c.api.Log, "caller", c.Actor)
}

// hashBody keeps a hash with the facts, so that a key that comes again with another body is noticed. It is keyed: a plain hash of
// a short text, in the log for ever, would confirm a guess at it after the text is erased.
func (c *Call) hashBody(subject uuid.UUID, body []byte) (err error) {
	if !c.api.O.ReadOnly {
		c.bodyHash, err = c.api.Codec.MAC(c, subject, body)
	}
	return err
}

// Run handles a command and remembers where its facts are.
func Run[S commands.State[S], A any](c *Call, cmd commands.Command[S, A]) (commands.Result, error) {
	r, err := commands.Handle(c, c.api.Env, c.Request(), cmd)
	return r, c.Wrote(r, err)
}

// Try reports why a command would fail. It is asked of several commands before the first of them is run.
func Try[S commands.State[S], A any](c *Call, cmd commands.Command[S, A]) error {
	_, err := commands.Try(c, c.api.Env, c.Request(), cmd)
	return err
}

// Wrote remembers where the facts are that a command led to.
func (c *Call) Wrote(r commands.Result, err error) error {
	if err == nil {
		c.written = max(c.written, r.Position)
		c.api.known(r.Position)
	}
	return err
}

// ForgetRevision ends what If-Match asks for: what follows is about something else.
func (c *Call) ForgetRevision() { c.Request(); c.made.IfRevision = nil }

// Answers makes the request one that answers a message.
func (c *Call) Answers(message uuid.UUID) error {
	r, err := commands.InReplyTo(c, c.api.Env, c.Request(), message)
	c.made = r
	return err
}

// Repeats tells whether the request may come again as the same, under its Idempotency-Key.
func (c *Call) Repeats() bool { return c.bodyHash != "" }

// Repeatable has a request with an Idempotency-Key be the same as another one with that key and text; operations that read
// their body themselves say so, of all others the body is the text.
func (c *Call) Repeatable(text string) error {
	if c.Header("Idempotency-Key") == "" {
		return nil
	}
	return c.hashBody(c.subjectOf(nil), []byte(text))
}

// Nonce is random, except that a request which is repeated under its Idempotency-Key has that of the first time.
func (c *Call) Nonce(what string) (iv [16]byte) {
	if c.Repeats() {
		return c.derive("secret " + c.bodyHash + " " + what)
	}
	_, _ = rand.Read(iv[:]) // never fails, see crypto/rand
	return iv
}

// Client is who sent the request, as bounds tell clients apart.
func (c *Call) Client() netip.Prefix { return c.api.O.Proxies.ClientOf(c.gin.Request) }

// HTTP is the request as it came, and writer takes an answer that is no envelope.
func (c *Call) HTTP() *http.Request         { return c.gin.Request }
func (c *Call) Writer() http.ResponseWriter { return c.gin.Writer }

// Refuse answers with an error.
func (c *Call) Refuse(err error) { c.api.refuse(c.gin, err) }

// Serve has a handler write the answer, but for the statuses that are held back: it gives the one that was, or 0.
func (c *Call) Serve(h http.Handler, back ...int) (heldBack int) {
	w := &held{ResponseWriter: c.gin.Writer, back: back}
	h.ServeHTTP(w, c.gin.Request)
	return w.status
}

// Header, param and query are a header, a part of the path and a part of the query of the request.
func (c *Call) Header(name string) string { return c.gin.GetHeader(name) }
func (c *Call) Param(name string) string  { return c.gin.Param(name) }
func (c *Call) Query(name string) string  { return c.gin.Query(name) }

// WantsLines tells whether the client wants a record a line: it says so in the query or, where it says nothing there, in the header.
func (c *Call) WantsLines(format string) bool {
	return format == "ndjson" || format == "" && strings.Contains(c.Header("Accept"), NDJSON)
}

// Identified tells whether the client may be told what is not everybody's.
func (c *Call) Identified() bool { return !c.api.keys.required() || c.Actor != Anonymous }

// Here refuses to callers elsewhere what, as long as no key is set, only this machine may do.
func (c *Call) Here(what string) error {
	if c.api.keys.required() || c.api.origins.local(c.gin.Request) {
		return nil
	}
	return problem.New(http.StatusForbidden, problem.CodeForbidden, "Only this machine may %s as long as no key is set.", what)
}

// Changes refuses to change something on behalf of a page that may not call. A GET that changes something says so; of other
// methods it is found out before.
func (c *Call) Changes() error {
	if c.api.origins.crossSite(c.gin.Request) {
		return errCrossSite(c.gin.Request)
	}
	return nil
}

// Runs refuses to act as an agent that is not there or does not run.
func (c *Call) Runs(agent uuid.UUID) error {
	known, err := c.api.Env.States.Agent(c, agent)
	if err == nil && !known.Running {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "Agent not found or not active")
	}
	return err
}

// known takes note of a position that is in the log.
func (a *API) known(p events.Position) {
	for {
		head := a.head.Load()
		if uint64(p) <= head || a.head.CompareAndSwap(head, uint64(p)) {
			return
		}
	}
}

// Settle waits until what the call wrote can be read, or long enough, and reports whether it can be. That it cannot is no
// failure of the write: that is in the log, and the answer carries its position.
func (c *Call) Settle() (readable bool) {
	if c.written <= c.settled {
		return !c.stale
	}
	c.stale = c.wait(c.written) != nil
	c.settled = c.written
	return !c.stale
}

// wait returns once the read models that the operation answers from have a position. It fails at once while they stand still,
// and otherwise when they have not reached it in time.
func (c *Call) wait(p events.Position) error {
	ctx, cancel := context.WithTimeout(c, readable)
	defer cancel()
	groups := []string{Core}
	if of := c.operation.answer.groups; of != nil { // files are of none
		groups = of
	}
	defer c.Rests()()
	for _, group := range groups {
		if err := c.api.O.Waiter.Wait(ctx, group, p); err != nil {
			return err
		}
	}
	return nil
}

// TokenOf is a position as clients get it.
func (a *API) TokenOf(p events.Position) string {
	return events.Token{Log: a.Log, Position: p}.String()
}

// Fresh makes the answer no older than the position in X-Annals-After.
func (c *Call) Fresh() error { return c.After("X-Annals-After", c.Header("X-Annals-After")) }

// After makes the answer no older than the position that the client has seen: it refuses to answer where that cannot be read
// in time.
func (c *Call) After(name, token string) error {
	if token == "" {
		return nil
	}
	t, err := events.ParseToken(token)
	if err != nil {
		return problem.Invalid("%s: %s", name, err)
	}
	if t.Log != c.api.Log {
		return problem.Invalid("%s: %.60s is a position of another log", name, token)
	}
	if uint64(t.Position) > c.api.head.Load() {
		head, err := c.api.O.Head(c)
		if err != nil {
			return err
		}
		if c.api.known(head); t.Position > head {
			return problem.Invalid("%s: %.60s is beyond the end of the log", name, token)
		}
	}
	switch err := c.wait(t.Position); {
	case err == nil:
		return nil
	case c.Err() != nil:
		return c.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return unreadable(name, "the read models are behind")
	}
	return unreadable(name, "the read models stand still, see /api/server/health")
}

// unreadable refuses to answer earlier than the position that a client named.
func unreadable(name, why string) error {
	return problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "What is at the position in %s cannot be read yet: %s. Try again.", name, why)
}

// Revision gives the answer the strong ETag that If-Match takes.
func (c *Call) Revision(r uint64) { c.tag = `"r` + strconv.FormatUint(r, 10) + `"` }

// Missing tells whether an error means that there is no such thing.
func Missing(err error) bool {
	return errors.Is(err, commands.ErrNotFound) || errors.Is(err, queries.ErrNotFound)
}
