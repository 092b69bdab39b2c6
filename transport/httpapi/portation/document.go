package portation

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"annals/transport/httpapi/frame"
	"annals/transport/limits"
)

// document reads one JSON document: an export with or without its envelope, or a character with its memories.
func (i *importing) document(ctx context.Context, body *bufio.Reader) error {
	if magic, _ := body.Peek(4); string(magic) == "PK\x03\x04" {
		return errFile{"this is a ZIP archive, not JSON"}
	}
	i.reading = &measured{Reader: body, share: i.api.reading.Join(i.c.Client())}
	defer i.reading.share.Leave()
	i.reading.begin()
	d := json.NewDecoder(i.reading)
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errFile{"no JSON object"}
	}
	character := map[string]json.RawMessage{}
	if err := i.object(ctx, d, character, 0); err != nil {
		return err
	}
	switch {
	case i.head.ExportedAt != "" && i.manifest == nil:
		return errFile{"the manifest of the export is missing"}
	case len(character) > 0:
		raw, err := json.Marshal(character)
		if err != nil {
			return err
		}
		return i.record(ctx, kindCharacter, raw)
	case !i.listed && len(i.counts) == 0:
		return errFile{"there is neither a character nor anything of an export in it"}
	}
	return nil
}

// measured ends where one value of a document is too long: the decoder holds it whole. What it holds beyond freeOfValue counts for the
// client.
type measured struct {
	io.Reader
	left  int64 // of the value
	share *limits.Share
}

// freeOfValue is how much of a value, or of a line, counts towards no bound.
const freeOfValue = 64 << 10

// begin begins a value.
func (m *measured) begin() {
	m.left = maxValue.Value
	m.share.Give(m.share.Held())
}

// Read implements io.Reader.
func (m *measured) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errLong
	}
	n, err := m.Reader.Read(p)
	m.left -= int64(n)
	if maxValue.Value-m.left > freeOfValue && !m.share.Try(int64(n)) {
		return 0, errBusy
	}
	return n, err
}

// errBusy ends an import for which there is no room beside others.
var errBusy = errFile{"there is no room for it, perhaps beside other imports: try again later, or in parts"}

var errLong = errFile{fmt.Sprintf("a value is longer than %d bytes", maxValue.Value)}

// unread is why a document cannot be read on.
func unread(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errLong), errors.Is(err, errBusy):
		return err
	case errors.As(err, &syntax):
		return errFile{"the JSON is malformed"}
	}
	return errCut{"the JSON is broken off"}
}

// lists are the kinds by the names of the lists that hold them.
var lists = func() map[string]string {
	all := map[string]string{}
	for kind, name := range members {
		all[name] = kind
	}
	return all
}()

// passing are members of a document that say nothing of the agent.
var passing = map[string]bool{"success": true}

// object reads the members of an object whose begin was read. What belongs to neither an export nor its envelope is part of
// a character that stands there bare.
func (i *importing) object(ctx context.Context, d *json.Decoder, character map[string]json.RawMessage, depth int) error {
	for d.More() {
		i.reading.begin()
		name, err := d.Token()
		if err != nil {
			return unread(err)
		}
		key, _ := name.(string)
		switch kind := lists[key]; {
		case kind != "":
			i.listed = true
			err = i.list(ctx, d, kind)
		case key == "data" && depth == 0:
			if t, tokenErr := d.Token(); tokenErr != nil || t != json.Delim('{') {
				return errFile{"data is no object"}
			}
			err = i.object(ctx, d, character, depth+1)
		default:
			err = i.member(ctx, d, key, character)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return unread(err)
	}
	return nil
}

func (i *importing) member(ctx context.Context, d *json.Decoder, key string, character map[string]json.RawMessage) error {
	value, err := i.value(d)
	switch {
	case err != nil || passing[key]:
		return err
	case key == "version", key == "agentId", key == "exportedAt":
		return i.heading(json.RawMessage(`{"` + key + `":` + string(value) + `}`))
	case key == kindCharacter || key == kindManifest:
		i.line++
		return i.record(ctx, key, value)
	}
	if i.said += len(key) + len(value); i.said > maxRecord.Int() {
		return errFile{fmt.Sprintf("what it says of the character is longer than %d bytes", maxRecord.Value)}
	}
	character[key] = value
	return nil
}

// value reads one value, cleaned.
func (i *importing) value(d *json.Decoder) (json.RawMessage, error) {
	var raw json.RawMessage
	i.reading.begin()
	if err := d.Decode(&raw); err != nil {
		return nil, unread(err)
	}
	if cleaned, err := frame.Clean(raw); err == nil {
		raw = cleaned
	} // or it is refused as a record
	return raw, nil
}

func (i *importing) list(ctx context.Context, d *json.Decoder, kind string) error {
	t, err := d.Token()
	if err != nil || t != nil && t != json.Delim('[') {
		return errFile{members[kind] + " is no list"}
	}
	if t == nil {
		return nil
	}
	for d.More() {
		raw, err := i.value(d)
		if err != nil {
			return err
		}
		i.line++
		if len(raw) > maxRecord.Int() {
			i.fail(i.line, fmt.Sprintf("longer than %d bytes", maxRecord.Value))
			continue
		}
		if err := i.record(ctx, kind, raw); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return unread(err)
	}
	return nil
}
