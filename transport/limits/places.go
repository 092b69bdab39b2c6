package limits

import (
	"container/list"
	"net/netip"
	"sync"
)

// Places are for those who have yet to prove themselves: connections without a finished request, sessions without a key.
// There are so many in all and for a client. Nobody is refused one: who comes too many takes the place of the one of its client
// that has been there for longest, or where all places are taken that of the client who has most. So a flood only ever puts out
// itself, and who proves itself soon is not there long enough to be put out.
type Places[T comparable] struct {
	server, client int

	mu      sync.Mutex
	taken   map[T]*list.Element
	clients map[netip.Prefix]*list.List // of *place, the oldest first
}

type place[T comparable] struct {
	client netip.Prefix
	who    T
}

// NewPlaces are free.
func NewPlaces[T comparable](server, client Bound) *Places[T] {
	return &Places[T]{server: server.Int(), client: client.Int(), taken: map[T]*list.Element{}, clients: map[netip.Prefix]*list.List{}}
}

// Enter takes a place, and returns whose place it was where none was free.
func (p *Places[T]) Enter(client netip.Prefix, who T) (out T, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.clients[client]
	switch {
	case mine != nil && mine.Len() >= p.client:
		out, full = p.oldest(mine), true
	case len(p.taken) >= p.server:
		out, full = p.oldest(p.busiest(mine)), true
	}
	if full {
		p.leave(out)
	}
	if p.clients[client] == nil {
		p.clients[client] = list.New()
	}
	p.taken[who] = p.clients[client].PushBack(&place[T]{client, who})
	return out, full
}

// Leave frees a place; leaving twice does no harm.
func (p *Places[T]) Leave(who T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(who)
}

// PutOut frees the place that a newcomer would get where all are taken, and returns whose it was.
func (p *Places[T]) PutOut() (out T, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if most := p.busiest(nil); most != nil {
		out, found = p.oldest(most), true
		p.leave(out)
	}
	return out, found
}

// Taken is how many places are taken.
func (p *Places[T]) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

// busiest are the places of the client that has most: of the one who is named where none has more.
func (p *Places[T]) busiest(most *list.List) *list.List {
	for _, l := range p.clients {
		if most == nil || l.Len() > most.Len() {
			most = l
		}
	}
	return most
}

func (p *Places[T]) oldest(l *list.List) T { return l.Front().Value.(*place[T]).who }

func (p *Places[T]) leave(who T) {
	e := p.taken[who]
	if e == nil {
		return
	}
	client := e.Value.(*place[T]).client
	delete(p.taken, who)
	l := p.clients[client]
	if l.Remove(e); l.Len() == 0 {
		delete(p.clients, client)
	}
}
