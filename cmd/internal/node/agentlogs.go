package node

import (
	"sync"

	"github.com/google/uuid"

	"annals/events"
)

// doings tells who follows an agent's log when something in it has become readable.
type doings struct {
	mu       sync.Mutex
	watching map[uuid.UUID]map[chan struct{}]bool
}

func newDoings() *doings { return &doings{watching: map[uuid.UUID]map[chan struct{}]bool{}} }

// observe wakes whoever follows an agent that did something.
func (d *doings) observe(batch []events.Recorded) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.watching) == 0 {
		return
	}
	for _, e := range batch {
		var agent uuid.UUID
		switch f := e.Event.(type) {
		case events.LogRecorded:
			agent = f.AgentID
		case events.TurnCompleted:
			agent = f.AgentID
		}
		for c := range d.watching[agent] {
			select {
			case c <- struct{}{}:
			default: // woken already
			}
		}
	}
}

// Watch implements httpapi.AgentLogs.
func (d *doings) Watch(agent uuid.UUID) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watching[agent] == nil {
		d.watching[agent] = map[chan struct{}]bool{}
	}
	d.watching[agent][c] = true
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watching[agent], c)
		if len(d.watching[agent]) == 0 {
			delete(d.watching, agent)
		}
	}
}
