package portation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	sealing "annals/transport/secrets"
)

// exportVersion is that of what an export looks like.
const exportVersion = 1

// What an export consists of, in this order; each kind is one of its members, or the type of a line.
const (
	kindExport       = "export"
	kindCharacter    = "character"
	kindWorld        = "world"
	kindRoom         = "room"
	kindEntity       = "entity"
	kindMemory       = "memory"
	kindRelationship = "relationship"
	kindManifest     = "manifest"
)

// heading begins an export.
type heading struct {
	Version    int         `json:"version"`
	AgentID    uuid.UUID   `json:"agentId"`
	ExportedAt queries.ISO `json:"exportedAt"`
}

// manifest ends an export: the agent, how many of each kind there are, and the SHA-256 over the JSON of all of them, each followed
// by a line feed.
type manifest struct {
	Version  int            `json:"version"`
	AgentID  uuid.UUID      `json:"agentId"`
	Counts   map[string]int `json:"counts"`
	Checksum string         `json:"checksum"`
}

// ExportedRoom and the others are the records of an export.
type (
	ExportedWorld struct {
		ID       uuid.UUID       `json:"id"`
		AgentID  uuid.UUID       `json:"agentId" doc:"Whose world it is: agents may share one."`
		Name     string          `json:"name"`
		ServerID string          `json:"serverId"`
		Metadata json.RawMessage `json:"metadata"`
	}
	ExportedRoom struct {
		ID        uuid.UUID       `json:"id"`
		Name      string          `json:"name"`
		WorldID   *uuid.UUID      `json:"worldId" nullable:"true"`
		ChannelID *uuid.UUID      `json:"channelId" nullable:"true"`
		ServerID  string          `json:"serverId"`
		Type      string          `json:"type"`
		Source    string          `json:"source"`
		Metadata  json.RawMessage `json:"metadata"`
		Entities  []uuid.UUID     `json:"entities"`
	}
	ExportedEntity struct {
		ID        uuid.UUID       `json:"id"`
		SubjectID uuid.UUID       `json:"subjectId"`
		Names     []string        `json:"names"`
		Metadata  json.RawMessage `json:"metadata"`
	}
	ExportedMemory struct {
		ID         uuid.UUID       `json:"id"`
		Type       string          `json:"type"`
		CreatedAt  queries.Millis  `json:"createdAt"`
		Content    json.RawMessage `json:"content"`
		EntityID   uuid.UUID       `json:"entityId"`
		RoomID     uuid.UUID       `json:"roomId"`
		SubjectID  uuid.UUID       `json:"subjectId"`
		DocumentID *uuid.UUID      `json:"documentId,omitempty"`
		MessageID  *uuid.UUID      `json:"messageId,omitempty" doc:"The message that it came from: copies of the memory by other agents are told apart by it."`
		Unique     bool            `json:"unique"`
		Metadata   json.RawMessage `json:"metadata"`
		Embedding  []float32       `json:"embedding,omitempty"`
		Model      string          `json:"embeddingModel,omitempty"`
	}
)

type exportQuery struct {
	frame.AgentPath
	Format         string `query:"format" enum:"json,ndjson" doc:"json, or a record a line."`
	IncludeSecrets string `query:"includeSecrets" doc:"true: with the character's secrets, sealed with the passphrase of X-Annals-Passphrase. Needs a key."`
	Passphrase     string `header:"X-Annals-Passphrase" doc:"Seals the secrets; the same one opens them in an import. At least 12 characters."`
	frame.WithEmbedding
}

// exportAgent streams all that an agent is and remembers, whatever its size.
func (a *api) exportAgent(c *frame.Call, in *exportQuery) (json.RawMessage, error) {
	secrets := in.IncludeSecrets == "true"
	if secrets && !strings.HasPrefix(c.Actor, "key:") {
		return nil, problem.New(http.StatusForbidden, problem.CodeForbidden, "Secrets are exported only to who shows a key.")
	}
	if secrets && utf8.RuneCountInString(in.Passphrase) < minPassphrase {
		return nil, problem.Invalid("Secrets are exported sealed: send a passphrase of at least %d characters in X-Annals-Passphrase.", minPassphrase)
	}
	var with *sealing.Passphrase
	if secrets {
		with = sealing.NewPassphrase(in.Passphrase)
	}
	character, err := a.characterFor(c, in.AgentID.UUID, with)
	if err != nil {
		return nil, err
	}
	// What cannot be read now is told while there is an envelope for it: later, the export can only be broken off.
	some, err := a.Queries.OldestMemories(c, in.AgentID.UUID, 0, 1)
	if err == nil && in.IncludeEmbedding == "true" {
		_, err = a.Queries.Embed(c, some, false)
	}
	if err != nil {
		return nil, err
	}
	e := &exporting{
		api: a, agent: in.AgentID.UUID, vectors: in.IncludeEmbedding == "true", sum: sha256.New(), counts: map[string]int{},
		out: patient{c.Writer(), http.NewResponseController(c.Writer())},
	}
	head := heading{exportVersion, e.agent, frame.ISO(a.Clock())}
	lines := c.WantsLines(in.Format)
	c.Stream = func() {
		c.Rested()
		w, write, name := c.Writer(), e.document, "json"
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if lines {
			write, name = e.lines, "ndjson"
			w.Header().Set("Content-Type", frame.NDJSON)
		}
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="agent-%s.%s"`, e.agent, name))
		w.WriteHeader(http.StatusOK)
		if err := write(c.Unbounded, head, character); err != nil { //nolint:contextcheck // it ends with the client
			a.Logger.Warn("an export was broken off", "agent", e.agent, "error", err)
			panic(http.ErrAbortHandler) // the client sees that the end is missing
		}
		_ = e.out.control.SetWriteDeadline(time.Time{}) // the connection goes on
	}
	return nil, nil
}

// minPassphrase makes it slow to guess the passphrase of an export.
const minPassphrase = 12

// characterFor is the character as it can be created again, its secrets sealed with a passphrase, or left out without one.
func (a *api) characterFor(c *frame.Call, id uuid.UUID, with *sealing.Passphrase) (json.RawMessage, error) {
	agent, err := a.Env.States.Agent(c, id)
	if err != nil {
		return nil, err
	}
	if !agent.Exists {
		return nil, problem.New(http.StatusNotFound, problem.CodeNotFound, "agent %s not found", id)
	}
	character := agent.Character
	if with == nil {
		character.Secrets = nil
	} else if character.Secrets, err = a.Secrets.Export(character.Secrets, with); err != nil {
		return nil, err
	}
	settings, err := character.PublicSettings()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(character)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "secrets")
	if members["settings"], err = json.Marshal(settings); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

// patient gives a client lineWait for whatever is written.
type patient struct {
	io.Writer
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(frame.LineWait))
	return p.Writer.Write(b)
}

// exporting is one export under way. It holds no more than a page in memory.
type exporting struct {
	api     *api
	agent   uuid.UUID
	vectors bool
	out     patient
	sum     hash.Hash
	counts  map[string]int
}

func (e *exporting) manifest() manifest {
	return manifest{exportVersion, e.agent, e.counts, "sha256:" + hexOf(e.sum)}
}

// record is the JSON of one record, counted.
func (e *exporting) record(kind string, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	e.counts[kind]++
	_, _ = e.sum.Write(append(raw, '\n')) // never fails
	return raw, nil
}

// lines writes a record a line.
func (e *exporting) lines(ctx context.Context, head heading, character json.RawMessage) error {
	line := func(kind string, data []byte) error {
		_, err := fmt.Fprintf(e.out, `{"type":%q,"data":%s}`+"\n", kind, data)
		return err
	}
	begin, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if err := line(kindExport, begin); err != nil {
		return err
	}
	err = e.each(ctx, character, func(kind string, pages func(func(any) error) error) error {
		var page bytes.Buffer
		err := pages(func(v any) error {
			raw, err := e.record(kind, v)
			if err != nil {
				return err
			}
			fmt.Fprintf(&page, `{"type":%q,"data":%s}`+"\n", kind, raw)
			if page.Len() < pageBytes {
				return nil
			}
			_, err = page.WriteTo(e.out)
			return err
		})
		if err != nil {
			return err
		}
		_, err = page.WriteTo(e.out)
		return err
	})
	if err != nil {
		return err
	}
	end, err := json.Marshal(e.manifest())
	if err != nil {
		return err
	}
	return line(kindManifest, end)
}

// pageBytes is about how much is written at once.
const pageBytes = 64 << 10

// members are the kinds as a document has them: one character, and lists.
var members = map[string]string{
	kindWorld: "worlds", kindRoom: "rooms", kindEntity: "entities", kindMemory: "memories", kindRelationship: "relationships",
}

// document writes one JSON document, in the envelope.
func (e *exporting) document(ctx context.Context, head heading, character json.RawMessage) error {
	begin, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.out, `{"success":true,"data":%s`, bytes.TrimSuffix(begin, []byte("}"))); err != nil {
		return err
	}
	err = e.each(ctx, character, func(kind string, pages func(func(any) error) error) error {
		var page bytes.Buffer
		separator := ""
		if name := members[kind]; name != "" {
			fmt.Fprintf(&page, ",\n%q:[", name)
		} else {
			fmt.Fprintf(&page, ",\n%q:", kind)
		}
		err := pages(func(v any) error {
			raw, err := e.record(kind, v)
			if err != nil {
				return err
			}
			page.WriteString(separator)
			page.Write(raw)
			if separator = ",\n"; page.Len() < pageBytes {
				return nil
			}
			_, err = page.WriteTo(e.out)
			return err
		})
		if err != nil {
			return err
		}
		if members[kind] != "" {
			page.WriteString("]")
		}
		_, err = page.WriteTo(e.out)
		return err
	})
	if err != nil {
		return err
	}
	end, err := json.Marshal(e.manifest())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, ",\n%q:%s}}\n", kindManifest, end)
	return err
}

// each goes through the kinds, and through the records of each.
func (e *exporting) each(ctx context.Context, character json.RawMessage, kind func(string, func(func(any) error) error) error) error {
	q := e.api.Queries
	steps := []struct {
		kind  string
		pages func(func(any) error) error
	}{
		{kindCharacter, func(yield func(any) error) error { return yield(character) }},
		{kindWorld, func(yield func(any) error) error {
			return paged(ctx, e.agent, q.EveryWorld, func(w queries.World) (events.Position, error) {
				return w.Created, yield(ExportedWorld{w.ID, w.AgentID, w.Name, w.ServerID, w.Metadata})
			})
		}},
		{kindEntity, func(yield func(any) error) error {
			return paged(ctx, e.agent, q.Entities, func(n queries.Entity) (events.Position, error) {
				return n.Seen, yield(ExportedEntity{n.ID, n.SubjectID, n.Names, n.Metadata})
			})
		}},
		{kindRoom, func(yield func(any) error) error {
			return paged(ctx, e.agent, q.EveryRoom, func(r queries.OpenRoom) (events.Position, error) {
				return r.Created, yield(ExportedRoom{r.ID, r.Name, r.WorldID, r.ChannelID, r.ServerID, r.Type, r.Source, r.Metadata, frame.List(r.Entities)})
			})
		}},
		{kindMemory, func(yield func(any) error) error {
			return paged(ctx, e.agent, e.memories, func(m queries.Memory) (events.Position, error) {
				return m.Stored, yield(ExportedMemory{
					m.ID, m.Type, m.CreatedAt, m.Content, m.EntityID, m.RoomID, m.SubjectID, m.DocumentID, m.MessageID, m.Unique, m.Metadata, m.Embedding, m.EmbeddingModel,
				})
			})
		}},
		{kindRelationship, func(func(any) error) error { return nil }}, // ElizaOS has no way to make any over REST
	}
	for _, step := range steps {
		if err := kind(step.kind, step.pages); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporting) memories(ctx context.Context, agent uuid.UUID, after events.Position, limit int) ([]queries.Memory, error) {
	found, err := e.api.Queries.OldestMemories(ctx, agent, after, limit)
	if err == nil && e.vectors {
		found, err = e.api.Queries.Embed(ctx, found, false)
	}
	return found, err
}

// paged reads a list page by page.
func paged[T any](
	ctx context.Context, agent uuid.UUID, page func(context.Context, uuid.UUID, events.Position, int) ([]T, error),
	yield func(T) (events.Position, error),
) error {
	const size = 500
	var after events.Position
	for {
		found, err := page(ctx, agent, after, size)
		if err != nil {
			return err
		}
		if len(found) == 0 { // a page may end early
			return nil
		}
		for _, one := range found {
			if after, err = yield(one); err != nil {
				return err
			}
		}
	}
}
