package events

import "fmt"

// An upcaster turns the payload of one schema of a type into that of the next, possibly of another type. It sees
// payloads as they are stored: what is sealed stays sealed.
type upcaster func(typ string, data []byte) (string, []byte, error)

// upcasters holds, for each type that has ever changed its meaning, the way from schema 1 on: the first entry lifts
// schema 1 to 2, and so on. A type that only gained optional fields has none.
type upcasters map[string][]upcaster

// released are the upcasters of every schema ever written.
var released = upcasters{}

// current is the schema in which this build writes a type.
func (u upcasters) current(typ string) int { return len(u[typ]) + 1 }

// lift brings a payload to the current schema.
func (u upcasters) lift(typ string, schema int, data []byte) (string, []byte, error) {
	if schema > u.current(typ) {
		return "", nil, fmt.Errorf("%s has schema %d; this build reads up to %d: use a newer one", typ, schema, u.current(typ))
	}
	for schema = max(schema, 1); schema < u.current(typ); schema++ {
		next, lifted, err := u[typ][schema-1](typ, data)
		if err != nil {
			return "", nil, fmt.Errorf("upcast %s from schema %d: %w", typ, schema, err)
		}
		if next != typ {
			return u.lift(next, 1, lifted)
		}
		data = lifted
	}
	return typ, data, nil
}
