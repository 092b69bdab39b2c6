package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"annals/commands"
	"annals/events"
)

const (
	// importsAtOnce is how many memories are on their way into the log at a time: it is the fastest when it writes many at once.
	importsAtOnce = 512
	// importBytes bounds how much these are.
	importBytes = 64 << 20
)

// importing is one import under way. Records are taken in order, memories many at a time: all before them is there by then.
// Of those that are of the same time the order is kept. It holds no more than these in memory.
type importing struct {
	api    *API
	c      *call
	agent  uuid.UUID
	dry    bool
	line   int
	later  *spool // of memories that wait for their character
	sum    hash.Hash
	counts map[string]int
	opened bool // the agent's own room
	last   importWork

	work    chan importWork
	working sync.WaitGroup      // the workers
	pending sync.WaitGroup      // what they have in hand
	bytes   *semaphore.Weighted // of these

	mu      sync.Mutex
	request commands.Request
	result  imported
	broken  error // why it makes no sense to go on
}

type importWork struct {
	line  int
	size  int64
	cmd   *commands.StoreMemory
	after <-chan struct{} // what comes first is done; nil for nothing
	done  chan struct{}
}

func (i *importing) begin(ctx context.Context) {
	i.request = i.c.request()
	i.work, i.bytes = make(chan importWork), semaphore.NewWeighted(importBytes)
	for range importsAtOnce {
		i.working.Go(func() {
			for w := range i.work {
				if w.after != nil {
					<-w.after // who has it took it before
				}
				i.did(w.line, func() (commands.Result, error) { return i.store(ctx, w) })
				close(w.done)
				i.bytes.Release(w.size)
				i.pending.Done()
			}
		})
	}
}

func (i *importing) finish() {
	close(i.work)
	i.working.Wait()
}

func (i *importing) fail(line int, reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.result.FailedCount++
	if len(i.result.Failed) < maxFailures {
		i.result.Failed = append(i.result.Failed, importFailure{line, reason})
	}
}

// did counts what came of a record. What is no fault of the record ends the import.
func (i *importing) did(line int, do func() (commands.Result, error)) {
	r, err := do()
	if err != nil {
		p, cause := problemOf(err)
		if cause != nil {
			i.mu.Lock()
			i.broken = errors.Join(i.broken, err)
			i.mu.Unlock()
			return
		}
		i.fail(line, p.Message)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.c.written = max(i.c.written, r.Position)
	i.api.known(r.Position)
	if r.Changed {
		i.result.Imported++
	} else {
		i.result.Skipped++
	}
}

// store tells of a dry run whether the memory would be new. Each record is a request of its own: a file may have one twice.
func (i *importing) store(ctx context.Context, w importWork) (commands.Result, error) {
	cmd := w.cmd
	if !i.dry {
		r := i.request
		r.ID = events.Derive(r.ID, strconv.Itoa(w.line))
		return commands.Handle(ctx, i.api.o.Bus, r, cmd)
	}
	facts, err := cmd.Decide(i.request, commands.Memory{})
	if err != nil {
		return commands.Result{}, err
	}
	for _, f := range facts {
		if err := i.api.o.Codec.Check(f); err != nil {
			return commands.Result{}, err
		}
	}
	known, err := i.api.o.Bus.Parents.RemembersNow(ctx, cmd.MemoryID)
	return commands.Result{Changed: !known}, err
}

// record takes in one record.
func (i *importing) record(ctx context.Context, kind string, raw json.RawMessage) error {
	i.mu.Lock()
	broken := i.broken
	i.mu.Unlock()
	if broken != nil {
		return broken
	}
	switch kind {
	case kindExport:
		var head heading
		if json.Unmarshal(raw, &head) == nil && head.Version > exportVersion {
			return errFile{fmt.Sprintf("version %d of an export is newer than this server", head.Version)}
		}
		return nil
	case kindManifest:
		i.checked(raw)
		return nil
	}
	i.counts[kind]++
	_, _ = i.sum.Write(append(raw[:len(raw):len(raw)], '\n')) // never fails
	switch kind {
	case kindMemory:
		return i.memory(ctx, raw)
	case kindCharacter:
		i.settled(func() (commands.Result, error) { return i.character(ctx, raw) })
	case kindWorld:
		i.settled(func() (commands.Result, error) { return i.world(ctx, raw) })
	case kindRoom:
		i.settled(func() (commands.Result, error) { return i.room(ctx, raw) })
	case kindEntity:
		i.settled(func() (commands.Result, error) { return i.entity(ctx, raw) })
	default:
		i.fail(i.line, fmt.Sprintf("a record of the kind %.40q is not known here", kind))
	}
	return nil
}

// settled does something after all that is under way.
func (i *importing) settled(do func() (commands.Result, error)) {
	i.pending.Wait()
	i.did(i.line, do)
}

// character makes the agent where there is none; one that is there stays as it is.
func (i *importing) character(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	agent, err := i.api.o.Bus.Parents.Agent(ctx, i.agent)
	if err != nil || agent.Exists {
		return commands.Result{}, err
	}
	if raw, err = i.api.secrets.seal(raw, i.c.vector); err != nil {
		return commands.Result{}, err
	}
	character, err := commands.ParseCharacter(raw)
	if err != nil || i.dry {
		return commands.Result{Changed: true}, err
	}
	return commands.Handle(ctx, i.api.o.Bus, i.request, commands.CreateAgent{AgentID: i.agent, Character: character})
}

func (i *importing) world(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var w ExportedWorld
	if err := json.Unmarshal(raw, &w); err != nil {
		return commands.Result{}, invalid("no world: %s", err)
	}
	if i.dry {
		known, err := i.api.o.Bus.Parents.WorldNow(ctx, w.ID)
		return commands.Result{Changed: !known.Exists}, err
	}
	return commands.Handle(ctx, i.api.o.Bus, i.request, &commands.CreateWorld{
		WorldID: w.ID, AgentID: i.agent, ServerID: w.ServerID, Name: w.Name, Metadata: given(w.Metadata),
	})
}

func (i *importing) room(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var r ExportedRoom
	if err := json.Unmarshal(raw, &r); err != nil {
		return commands.Result{}, invalid("no room: %s", err)
	}
	if i.dry {
		known, err := i.api.o.Bus.Parents.RoomNow(ctx, r.ID)
		return commands.Result{Changed: !known.Exists}, err
	}
	return commands.Handle(ctx, i.api.o.Bus, i.request, &commands.CreateRoom{
		RoomID: r.ID, AgentID: i.agent, WorldID: orNil(r.WorldID), ChannelID: orNil(r.ChannelID), ServerID: r.ServerID, Name: r.Name,
		Type: or(text(r.Type), "DM"), Source: r.Source, Metadata: given(r.Metadata), Entities: r.Entities,
	})
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func (i *importing) entity(ctx context.Context, raw json.RawMessage) (commands.Result, error) {
	var n ExportedEntity
	if err := json.Unmarshal(raw, &n); err != nil {
		return commands.Result{}, invalid("no entity: %s", err)
	}
	if i.dry {
		known, err := i.api.o.Bus.Parents.EntityNow(ctx, n.ID)
		return commands.Result{Changed: known.Seen == 0}, err
	}
	subject := n.SubjectID
	if subject == uuid.Nil {
		subject = n.ID
	}
	return commands.Handle(ctx, i.api.o.Bus, i.request, &commands.SeeEntity{
		EntityID: n.ID, AgentID: i.agent, SubjectID: subject, Names: n.Names, Metadata: given(n.Metadata),
	})
}

// importedMemory also takes what others write: a content that is a text, a table by another name, no ids at all.
type importedMemory struct {
	ID         *uuid.UUID      `json:"id"`
	Type       string          `json:"type"`
	TableName  string          `json:"tableName"`
	CreatedAt  json.Number     `json:"createdAt"`
	Content    json.RawMessage `json:"content"`
	EntityID   *uuid.UUID      `json:"entityId"`
	RoomID     *uuid.UUID      `json:"roomId"`
	SubjectID  *uuid.UUID      `json:"subjectId"`
	DocumentID *uuid.UUID      `json:"documentId"`
	Unique     *bool           `json:"unique"`
	Metadata   json.RawMessage `json:"metadata"`
	Embedding  json.RawMessage `json:"embedding"`
}

func (i *importing) memory(ctx context.Context, raw json.RawMessage) error {
	cmd, err := i.wish(raw)
	if err != nil {
		p, _ := problemOf(err)
		i.fail(i.line, p.Message)
		return nil
	}
	if cmd.DocumentID != uuid.Nil || cmd.Table == events.TableDocuments {
		i.pending.Wait() // a fragment comes after its document
	}
	if cmd.RoomID == i.agent && !i.dry && !i.opened {
		_, err := commands.OpenSelf(ctx, i.api.o.Bus, i.request, i.agent)
		if err != nil && !missing(err) {
			return err
		}
		i.opened = err == nil
	}
	w := importWork{line: i.line, size: min(int64(len(raw)), importBytes), cmd: cmd, done: make(chan struct{})}
	if i.last.cmd != nil && !cmd.At.IsZero() && cmd.At.Equal(i.last.cmd.At) {
		w.after = i.last.done
	}
	if err := i.bytes.Acquire(ctx, w.size); err != nil {
		return err
	}
	i.pending.Add(1)
	i.work <- w // somebody takes it, sooner or later
	i.last = w
	return nil
}

// wish is what a record of a memory asks for. One without an id gets that of what it says, so that it is taken in once.
func (i *importing) wish(raw json.RawMessage) (*commands.StoreMemory, error) {
	var m importedMemory
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, invalid("no memory: %s", err)
	}
	vector, err := vectorIn(m.Embedding)
	if err != nil {
		return nil, err
	}
	cmd := &commands.StoreMemory{
		MemoryID: orNil(m.ID), AgentID: i.agent, RoomID: orNil(m.RoomID), EntityID: orNil(m.EntityID), SubjectID: orNil(m.SubjectID),
		DocumentID: orNil(m.DocumentID), Table: or(text(m.TableName), or(text(m.Type), events.TableMessages)), Content: m.Content,
		Metadata: given(m.Metadata), Unique: m.Unique == nil || *m.Unique, Vector: vector,
	}
	var words string
	if json.Unmarshal(m.Content, &words) == nil && given(m.Content) != nil {
		if cmd.Content, err = json.Marshal(map[string]string{"text": words}); err != nil {
			return nil, err
		}
	}
	if ms, err := m.CreatedAt.Int64(); err == nil && ms > 0 {
		cmd.At = time.UnixMilli(ms).UTC()
	}
	for _, id := range []*uuid.UUID{&cmd.RoomID, &cmd.EntityID} {
		if *id == uuid.Nil {
			*id = i.agent
		}
	}
	if cmd.MemoryID == uuid.Nil {
		cmd.MemoryID = events.Derive(i.agent, "imported", cmd.Table, string(raw))
	}
	return cmd, nil
}
