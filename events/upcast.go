package events

import "fmt"

// An upcaster turns the payload of one schema of a type into that of the next, possibly of another type. It sees
// payloads as they are stored: what is sealed stays sealed.
type upcaster func(typ string, data []byte) (string, []byte, error)

// upcasters holds, for each type that has ever changed its meaning, the way from schema 1 on: the first entry lifts
// schema 1 to 2, and so on. A type that only gained optional fields has none.
var upcasters = map[string][]upcaster{}

// currentSchema is the schema in which this build writes a type.
func currentSchema(typ string) int { return len(upcasters[typ]) + 1 }

// upcast lifts a payload to the current schema.
func upcast(typ string, schema int, data []byte) (string, []byte, error) {
	if schema > currentSchema(typ) {
		return "", nil, fmt.Errorf("%s has schema %d; this build reads up to %d: use a newer one", typ, schema, currentSchema(typ))
	}
	for schema = max(schema, 1); schema < currentSchema(typ); schema++ {
		up := upcasters[typ][schema-1]
		next, lifted, err := up(typ, data)
		if err != nil {
			return "", nil, fmt.Errorf("upcast %s from schema %d: %w", typ, schema, err)
		}
		if next != typ {
			return upcast(next, 1, lifted)
		}
		data = lifted
	}
	return typ, data, nil
}
