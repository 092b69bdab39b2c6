package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
)

// sameJSON tells whether two values, free JSON among them, say the same: white space, escapes and the order of keys do
// not count, the digits of numbers do.
func sameJSON(a, b any) bool {
	x, errX := plain(a)
	y, errY := plain(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func plain(v any) (out any, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	err = unmarshalNumbers(raw, &out)
	return out, err
}

// merge lays an object over another: objects are merged, null deletes, everything else replaces. What deleting empties
// goes too. Numbers keep their digits.
func merge(old, patch json.RawMessage) (json.RawMessage, error) {
	base, over := map[string]any{}, map[string]any{}
	if kind(old) == "object" {
		if err := unmarshalNumbers(old, &base); err != nil {
			return nil, err
		}
	}
	if err := unmarshalNumbers(patch, &over); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	lay(over, base)
	return json.Marshal(base)
}

// overlay replaces the members of an object that the patch has, whole.
func overlay(old, patch json.RawMessage) (json.RawMessage, error) {
	base := map[string]json.RawMessage{}
	if kind(old) == "object" {
		if err := json.Unmarshal(old, &base); err != nil {
			return nil, err
		}
	}
	over := map[string]json.RawMessage{}
	if err := json.Unmarshal(patch, &over); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	maps.Copy(base, over)
	return json.Marshal(base)
}

// lay merges over into base and tells whether anything, an empty patch included, is left there.
func lay(over, base map[string]any) bool {
	for name, v := range over {
		switch v := v.(type) {
		case nil:
			delete(base, name)
		case map[string]any:
			inner, ok := base[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
			}
			if lay(v, inner) {
				base[name] = inner
			} else {
				delete(base, name)
			}
		default:
			base[name] = v
		}
	}
	return len(base) > 0 || len(over) == 0
}

func unmarshalNumbers(raw json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}
