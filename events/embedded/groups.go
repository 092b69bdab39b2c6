package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// groups are the persistent subscriptions of a node. Their configuration is kept beside the log.
type groups struct {
	node *Node

	change  sync.Mutex // held while the set of groups changes
	mu      sync.RWMutex
	running map[string]*group
}

func newGroups(n *Node) *groups { return &groups{node: n, running: map[string]*group{}} }

// start runs what is configured.
func (gs *groups) start(ctx context.Context) error {
	configs, err := gs.stored()
	if err != nil {
		return err
	}
	for _, c := range configs {
		if err := gs.run(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (gs *groups) stored() (configs []groupConfig, err error) {
	it, err := gs.node.store.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{groupSpace}, UpperBound: []byte{groupSpace + 1},
	})
	if err != nil {
		return nil, fmt.Errorf("read the persistent subscriptions: %w", err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var c groupConfig
		if err = json.Unmarshal(it.Value(), &c); err == nil {
			configs = append(configs, c)
		}
	}
	if err = errors.Join(err, it.Error(), it.Close()); err != nil {
		return nil, fmt.Errorf("read the persistent subscriptions: %w", err)
	}
	return configs, nil
}

func (gs *groups) run(ctx context.Context, c groupConfig) error {
	g, err := gs.node.newGroup(ctx, c)
	if err != nil {
		return fmt.Errorf("start persistent subscription %s: %w", c.name(), err)
	}
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.running[c.key()] = g
	return nil
}

// stop ends every group; the connected learn the reason.
func (gs *groups) stop(ctx context.Context, reason func(*group) error) {
	gs.mu.Lock()
	running := gs.running
	gs.running = map[string]*group{}
	gs.mu.Unlock()
	for _, g := range running {
		g.end(ctx, reason(g))
	}
}

func (gs *groups) find(stream, name string) (*group, error) {
	gs.mu.RLock()
	defer gs.mu.RUnlock()
	if g, ok := gs.running[groupID(stream, name)]; ok {
		return g, nil
	}
	return nil, errGroupMissing(stream, name)
}

// all are the groups that are kept, in the order of their names.
func (gs *groups) all(keep func(*group) bool) []*group {
	gs.mu.RLock()
	defer gs.mu.RUnlock()
	var found []*group
	for _, g := range gs.running {
		if keep(g) {
			found = append(found, g)
		}
	}
	slices.SortFunc(found, func(a, b *group) int { return strings.Compare(a.name(), b.name()) })
	return found
}

func (gs *groups) save(ctx context.Context, c groupConfig) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = gs.node.write(ctx, &write{kind: kindKeys, sets: []keyValue{{groupKey(c.key()), value}}})
	return err
}

func (gs *groups) create(ctx context.Context, c groupConfig) error {
	gs.change.Lock()
	defer gs.change.Unlock()
	if _, err := gs.find(c.Stream, c.Group); err == nil {
		return errGroupExists(c.Stream, c.Group)
	}
	if err := gs.save(ctx, c); err != nil {
		return err
	}
	return gs.run(ctx, c)
}

// update restarts a group with another configuration, made from the one it has.
func (gs *groups) update(ctx context.Context, stream, name string, change func(*groupConfig) error) error {
	gs.change.Lock()
	defer gs.change.Unlock()
	g, err := gs.find(stream, name)
	if err != nil {
		return err
	}
	c := g.groupConfig
	if err := change(&c); err != nil {
		return err
	}
	if err := gs.save(ctx, c); err != nil {
		return err
	}
	g.end(ctx, errGroupDropped(stream, name))
	return gs.run(ctx, c)
}

// remove ends a group and deletes its configuration, checkpoint and parked events.
func (gs *groups) remove(ctx context.Context, stream, name string) error {
	gs.change.Lock()
	defer gs.change.Unlock()
	g, err := gs.find(stream, name)
	if err != nil {
		return err
	}
	if _, err := gs.node.write(ctx, &write{kind: kindKeys, sets: []keyValue{{groupKey(g.key()), nil}}}); err != nil {
		return err
	}
	gs.mu.Lock()
	delete(gs.running, g.key())
	gs.mu.Unlock()
	g.end(ctx, errGroupMissing(stream, name))
	for _, own := range []string{g.checkpointStream(), g.parkedStream()} {
		if _, err := gs.node.write(ctx, &write{kind: kindDelete, stream: own, expect: expectAny}); err != nil {
			return err
		}
	}
	return nil
}

// restart drops every client and begins again from the configurations and checkpoints.
func (gs *groups) restart(ctx context.Context) error {
	gs.change.Lock()
	defer gs.change.Unlock()
	gs.stop(ctx, func(g *group) error { return errGroupDropped(g.Stream, g.Group) })
	return gs.start(ctx)
}
