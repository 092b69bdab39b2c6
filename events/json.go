package events

import (
	"bytes"
	"encoding/json"
	"reflect"

	fast "github.com/segmentio/encoding/json"
)

// brackets bounds those in what the faster reader is given: it has no limit of its own to how deep they nest.
const brackets = 10_000

// readJSON reads what encoding/json reads, to the same values, in a third of the time: a rebuild spends most of its own on it.
// What the faster reader does not take is left to the judgement of the other.
func readJSON(data []byte, to any) error {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) <= brackets && fast.Unmarshal(data, to) == nil {
		return nil
	}
	reflect.ValueOf(to).Elem().SetZero()
	return json.Unmarshal(data, to)
}
