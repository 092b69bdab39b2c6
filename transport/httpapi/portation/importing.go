package portation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
	"annals/transport/problem"
	"annals/transport/secrets"
)

// importing is one import under way. First its file is read to the end, and its records wait on the disk; then they are taken in: the
// character, what memories belong to, and memories in their order, many at a time. Of those that are of the same time the order is kept.
type importing struct {
	api   *api
	c     *frame.Call
	agent uuid.UUID
	dry   bool
	// onConflict is what is done with what is there already; empty until the file has named its agent.
	onConflict string

	line             int // of a file with a record a line, and otherwise the number of the record
	others, memories *spool
	held, ids        *limits.Share
	head             importedHeading
	headed           bool
	manifest         json.RawMessage // nil where there is none
	sum              hash.Hash
	counts           map[string]int
	records          int

	reading *measured // of a document
	said    int       // bytes of what a document says of its character
	listed  bool      // a document has a list of such

	env     commands.Env // assumes, in a dry run, what the records before would make
	copies  *copying     // nil where ids stay what they are
	depends *dependent   // nil but in a dry run
	opened  bool         // the agent's own room
	last    importWork
	// passphrase opens the secrets of the character; nil where the client gave none.
	passphrase *secrets.Passphrase

	characters int            // that were read
	there      bool           // the agent is
	orphans    int            // records that came before it was
	pending    sync.WaitGroup // the memories that are under way

	mu      sync.Mutex
	request commands.Request
	flying  map[uuid.UUID]bool // memories that are under way
	read    int                // records
	result  imported
	broken  error // why it makes no sense to go on
}

// importedHeading is what the heading of an export says, as far as it is one.
type importedHeading struct {
	Version    int
	AgentID    uuid.UUID
	ExportedAt string
}

type importWork struct {
	line  int
	size  int64
	cmd   commands.StoreMemory
	after <-chan struct{} // what comes first is done; nil for nothing
	done  chan struct{}
}

// open begins the import. It ends with close, also where it fails.
func (i *importing) open() (err error) {
	i.request, i.env = i.c.Request(), i.api.Env
	i.held, i.ids = i.api.spools.Join(i.c.Client()), i.api.ids.Join(i.c.Client())
	if i.others, err = newSpool(i.held); err == nil {
		i.memories, err = newSpool(i.held)
	}
	if err != nil {
		i.close()
		return i.refused(err)
	}
	return nil
}

func (i *importing) close() {
	for _, s := range []*spool{i.others, i.memories} {
		if s != nil {
			s.close()
		}
	}
	i.held.Leave()
	i.ids.Leave()
}

// start takes in a memory beside others.
func (i *importing) start(ctx context.Context, w importWork) {
	i.mu.Lock()
	i.flying[w.cmd.MemoryID] = true
	i.mu.Unlock()
	i.pending.Go(func() {
		if w.after != nil {
			<-w.after // it was started before
		}
		i.did(w.line, func() (commands.Result, error) { return i.store(ctx, w.line, w.cmd) })
		close(w.done)
		i.mu.Lock()
		delete(i.flying, w.cmd.MemoryID)
		i.mu.Unlock()
		i.api.underWay.Release(w.size)
		<-i.api.slots
	})
}

// fail notes that a record failed. The first ones are listed, whichever failed first.
func (i *importing) fail(line int, reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.result.FailedCount++
	at, _ := slices.BinarySearchFunc(i.result.Failed, line, func(f importFailure, line int) int { return cmp.Compare(f.Line, line) })
	if at < maxFailures.Int() {
		i.result.Failed = slices.Insert(i.result.Failed, at, importFailure{line, reason})
		i.result.Failed = i.result.Failed[:min(len(i.result.Failed), maxFailures.Int())]
	}
}

// did counts what came of a record. What is no fault of the record ends the import.
func (i *importing) did(line int, do func() (commands.Result, error)) {
	r, err := do()
	if err != nil {
		p, cause := problem.Of(err)
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
	_ = i.c.Wrote(r, nil)
	if r.Changed {
		i.result.Imported++
	} else {
		i.result.Skipped++
	}
}

// carryOut handles the command of a record or, in a dry run, tries it and assumes what it would record. Each record is a request
// of its own: a file may have one twice.
func carryOut[S commands.State[S], A any](ctx context.Context, i *importing, line int, cmd commands.Command[S, A]) (commands.Result, error) {
	r := i.request.Part(strconv.Itoa(line))
	if !i.dry {
		return commands.Handle(ctx, i.env, r, cmd)
	}
	would, err := commands.Try(ctx, i.env, r, cmd)
	if err != nil {
		return commands.Result{}, err
	}
	if !i.depends.on(cmd.Stream()) {
		return commands.Result{Changed: would.Changed}, nil
	}
	for _, fact := range would.Facts {
		if i.env, err = i.env.Assuming(cmd.Stream(), fact); err != nil {
			return commands.Result{}, errFile{"a dry run of so many records would take too much memory"}
		}
	}
	return commands.Result{Changed: would.Changed}, nil
}

// record takes note of one record; see take.
func (i *importing) record(ctx context.Context, kind string, raw json.RawMessage) error {
	switch kind {
	case kindExport:
		return i.heading(raw)
	case kindManifest:
		i.manifest = raw
		return nil
	}
	var compact bytes.Buffer // as it was exported, however it was laid out since
	if err := json.Compact(&compact, raw); err != nil {
		return errFile{"the JSON is malformed"}
	}
	i.counts[kind]++
	i.mu.Lock()
	i.read++
	i.mu.Unlock()
	if i.records++; i.records > maxRecords.Int() {
		return errFile{fmt.Sprintf("there are more than %d records in it", maxRecords.Value)}
	}
	line := append(compact.Bytes(), '\n')
	_, _ = i.sum.Write(line) // never fails
	if err := i.hopeless(ctx, kind); err != nil {
		return err
	}
	switch kind {
	case kindMemory:
		return i.memories.add(i.line, kind, line[:len(line)-1])
	case kindCharacter:
		i.characters++
		return i.others.add(i.line, kind, line[:len(line)-1])
	case kindWorld, kindRoom, kindEntity:
		return i.others.add(i.line, kind, line[:len(line)-1])
	}
	i.fail(i.line, fmt.Sprintf("a record of the kind %.40q is not known here", kind))
	return nil
}

// hopeless ends an import into an agent that is not there after maxOrphans records without its character: a file that makes the agent
// says so first. A document whose members are a character may have that at its end.
func (i *importing) hopeless(ctx context.Context, kind string) error {
	if i.there || i.characters > 0 || members[kind] == "" || i.reading != nil && !i.headed {
		return nil
	}
	agent, err := i.env.States.Agent(ctx, i.agent)
	if err != nil || agent.Exists {
		i.there = err == nil
		return err
	}
	if i.orphans++; i.orphans > maxOrphans.Int() {
		return errFile{fmt.Sprintf("agent %s is not there, and the file has no character before what is the agent's", i.agent)}
	}
	return nil
}

// take takes in what was read.
func (i *importing) take(ctx context.Context) error {
	if err := i.verified(); err != nil {
		return err
	}
	if i.onConflict == "" {
		i.onConflict = conflictSkip
		if i.head.AgentID != uuid.Nil && i.head.AgentID != i.agent {
			i.onConflict = conflictCopy
		}
	}
	i.result.OnConflict = i.onConflict
	if err := i.survey(); err != nil {
		return err
	}
	for _, kind := range []struct {
		name string
		take func(context.Context, json.RawMessage) (commands.Result, error)
	}{{kindCharacter, i.character}, {kindWorld, i.world}, {kindEntity, i.entity}, {kindRoom, i.room}} {
		err := i.others.each(func(line int, is string, raw []byte) error {
			if is != kind.name {
				return nil
			}
			i.line = line
			i.did(line, func() (commands.Result, error) { return kind.take(ctx, raw) })
			return i.goingOn()
		})
		if err != nil {
			return err
		}
	}
	err := i.memories.each(func(line int, _ string, raw []byte) error {
		i.line = line
		if err := i.memory(ctx, raw); err != nil {
			return err
		}
		return i.goingOn()
	})
	i.pending.Wait()
	return errors.Join(err, i.goingOn())
}

// goingOn fails where it makes no sense to go on.
func (i *importing) goingOn() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.broken
}

func (i *importing) memory(ctx context.Context, raw json.RawMessage) error {
	cmd, err := i.wish(raw)
	if err != nil {
		p, _ := problem.Of(err)
		i.fail(i.line, p.Message)
		return nil
	}
	if cmd.Table == events.TableDocuments || i.isFlying(cmd.DocumentID) || i.isFlying(cmd.MemoryID) {
		i.pending.Wait() // a fragment comes after its document, and what is twice there in its order
	}
	if cmd.RoomID == i.agent && !i.opened {
		err := i.openSelf(ctx)
		if err != nil && !frame.Missing(err) {
			return err
		}
		i.opened = err == nil
	}
	if i.dry { // one after another: what one would make decides about the next
		i.did(i.line, func() (commands.Result, error) { return i.store(ctx, i.line, cmd) })
		return nil
	}
	w := importWork{line: i.line, size: int64(len(raw)), cmd: cmd, done: make(chan struct{})}
	if i.last.done != nil && !cmd.At.IsZero() && cmd.At.Equal(i.last.cmd.At) {
		w.after = i.last.done
	}
	defer i.c.Rests()() //nolint:contextcheck // a call is the context
	select {
	case i.api.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := i.api.underWay.Acquire(ctx, w.size); err != nil {
		<-i.api.slots
		return err
	}
	i.start(ctx, w)
	i.last = w
	return nil
}

func (i *importing) isFlying(memory uuid.UUID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.flying[memory]
}

// store lets the agent remember something, in the place of what it remembers under that id where that is asked for.
func (i *importing) store(ctx context.Context, line int, cmd commands.StoreMemory) (commands.Result, error) {
	if i.onConflict == conflictReplace {
		return carryOut(ctx, i, line, commands.ReplaceMemory{StoreMemory: cmd})
	}
	return carryOut(ctx, i, line, cmd)
}

// openSelf makes the agent's own room, where it is missing.
func (i *importing) openSelf(ctx context.Context) error {
	self, err := commands.MissingSelfRoom(ctx, i.env, i.agent)
	if err != nil || self == nil {
		return err
	}
	if _, err := carryOut(ctx, i, i.line, self.See); err != nil {
		return err
	}
	_, err = carryOut(ctx, i, i.line, self.Create)
	return err
}
