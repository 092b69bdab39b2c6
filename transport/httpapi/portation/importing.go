package portation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/secrets"
)

// importing is one import under way. Records are taken in order, memories many at a time: all before them is there by then.
// Of those that are of the same time the order is kept. It holds no more than these in memory.
type importing struct {
	api     *api
	c       *frame.Call
	agent   uuid.UUID
	dry     bool
	line    int
	later   *spool    // of memories that wait for their character
	reading *measured // of a document
	said    int       // bytes of what a document says of its character
	sum     hash.Hash
	counts  map[string]int
	listed  bool         // a document has a list of such
	opened  bool         // the agent's own room
	env     commands.Env // assumes, in a dry run, what the records before would make
	last    importWork
	// passphrase opens the secrets of the character; nil where the client gave none.
	passphrase *secrets.Passphrase

	there   bool           // the agent is
	orphans int            // records that came before it was
	pending sync.WaitGroup // the memories that are under way

	mu      sync.Mutex
	request commands.Request
	result  imported
	broken  error // why it makes no sense to go on
}

type importWork struct {
	line  int
	size  int64
	cmd   commands.StoreMemory
	after <-chan struct{} // what comes first is done; nil for nothing
	done  chan struct{}
}

func (i *importing) begin() {
	i.request, i.env = i.c.Request(), i.api.Env
}

// start takes in a memory beside others.
func (i *importing) start(ctx context.Context, w importWork) {
	i.pending.Go(func() {
		if w.after != nil {
			<-w.after // it was started before
		}
		i.did(w.line, func() (commands.Result, error) { return carryOut(ctx, i, w.line, w.cmd) })
		close(w.done)
		i.api.underWay.Release(w.size)
		<-i.api.slots
	})
}

func (i *importing) fail(line int, reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.result.FailedCount++
	if len(i.result.Failed) < maxFailures.Int() {
		i.result.Failed = append(i.result.Failed, importFailure{line, reason})
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
	r := i.request
	r.ID = events.Derive(r.ID, strconv.Itoa(line))
	if !i.dry {
		return commands.Handle(ctx, i.env, r, cmd)
	}
	would, err := commands.Try(ctx, i.env, r, cmd)
	if err != nil {
		return commands.Result{}, err
	}
	for _, fact := range would.Facts {
		switch f := fact.(type) { // no other record depends on what a memory says
		case events.MemoryStored:
			f.Content, f.Metadata = nil, nil
			fact = f
		case events.MemoryEmbedded:
			continue
		}
		if i.env, err = i.env.Assuming(cmd.Stream(), fact); err != nil {
			return commands.Result{}, errFile{"a dry run of so many records would take too much memory"}
		}
	}
	return commands.Result{Changed: would.Changed}, nil
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
	if orphan, err := i.orphan(ctx, kind); orphan || err != nil {
		return err
	}
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

// orphan reports whether a record is of an agent that does not exist, which is reported as a failure. After maxOrphans the import ends: a
// file with its character makes the agent, and says so first.
func (i *importing) orphan(ctx context.Context, kind string) (bool, error) {
	if i.there || members[kind] == "" {
		return false, nil
	}
	agent, err := i.env.States.Agent(ctx, i.agent)
	if err != nil || agent.Exists {
		i.there = err == nil
		return false, err
	}
	if i.orphans++; i.orphans > maxOrphans.Int() {
		return false, errFile{fmt.Sprintf("agent %s is not there, and the file has no character before what is the agent's", i.agent)}
	}
	i.fail(i.line, fmt.Sprintf("agent %s not found", i.agent))
	return true, nil
}

// settled does something after all that is under way.
func (i *importing) settled(do func() (commands.Result, error)) {
	i.pending.Wait()
	i.did(i.line, do)
}

func (i *importing) memory(ctx context.Context, raw json.RawMessage) error {
	cmd, err := i.wish(raw)
	if err != nil {
		p, _ := problem.Of(err)
		i.fail(i.line, p.Message)
		return nil
	}
	if cmd.DocumentID != uuid.Nil || cmd.Table == events.TableDocuments {
		i.pending.Wait() // a fragment comes after its document
	}
	if cmd.RoomID == i.agent && !i.opened {
		err := i.openSelf(ctx)
		if err != nil && !frame.Missing(err) {
			return err
		}
		i.opened = err == nil
	}
	if i.dry { // one after another: what one would make decides about the next
		i.did(i.line, func() (commands.Result, error) { return carryOut(ctx, i, i.line, cmd) })
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
