// Package limits is the one place for what clients may take up: the table of bounds that every package of transport declares
// its own in, and the mechanisms that keep them. A Budget bounds bytes that are held for clients: by connection, by client
// and in all. Places bounds how many may wait to prove themselves, by client and in all. Work has clients take turns.
package limits

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bound is one line of the table: what there may be at most, and what a client gets that wants more.
type Bound struct {
	// Name is what an operator finds the bound by, in the page and in the code: "ws.replay.connection".
	Name string
	// What is bounded, as a noun: "events being replayed to a client".
	What string
	// Per is what each has a bound of its own.
	Per Per
	// Value is in Unit.
	Value int64
	Unit  Unit
	// Answer is what a client gets at the bound.
	Answer string
}

// Per is what each has a bound of its own.
type Per string

// Server is all clients together, Client an address (see Client).
const (
	Server     Per = "server"
	Client     Per = "client"
	Connection Per = "connection"
	Request    Per = "request"
	Message    Per = "message"
)

// Unit is what a bound is counted in.
type Unit string

// Units. A Time is in nanoseconds.
const (
	Bytes Unit = "bytes"
	Count Unit = "count"
	Time  Unit = "time"
)

// Duration is the value of a bound on time.
func (b Bound) Duration() time.Duration { return time.Duration(b.Value) }

// Int is the value of a bound on something that is counted.
func (b Bound) Int() int { return int(b.Value) }

var (
	mu    sync.Mutex
	table = map[string]Bound{}
)

// Declare adds a bound to the table and returns it. Packages call it for their variables; it panics where the name is taken
// or something is missing.
func Declare(b Bound) Bound {
	mu.Lock()
	defer mu.Unlock()
	if _, taken := table[b.Name]; taken {
		panic(fmt.Sprintf("the bound %q is declared twice", b.Name))
	}
	if b.Name == "" || b.What == "" || b.Per == "" || b.Unit == "" || b.Answer == "" || b.Value <= 0 {
		panic(fmt.Sprintf("the bound %+v is incomplete", b))
	}
	table[b.Name] = b
	return b
}

// All is the table of the packages that are linked, by name.
func All() []Bound {
	mu.Lock()
	defer mu.Unlock()
	all := make([]Bound, 0, len(table))
	for _, b := range table {
		all = append(all, b)
	}
	slices.SortFunc(all, func(x, y Bound) int { return cmp.Compare(x.Name, y.Name) })
	return all
}
