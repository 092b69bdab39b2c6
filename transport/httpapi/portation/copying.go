package portation

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/limits"
)

// idBytes is about what an id of a copy or of a dry run takes up.
const idBytes = 64

// copying says which ids things have in the copy that an agent gets of what another remembers. An id derives from the agent and from the
// id that is copied, so that a repeated import finds what it made. What derives from an agent in any case, such as its room for a
// channel, is that of the agent that gets the copy.
type copying struct {
	from, to uuid.UUID
	ids      map[uuid.UUID]uuid.UUID // of the agent's own
	// hashes are those of the texts of documents that a character names: ids of fragments derive from them.
	hashes map[uuid.UUID]string
	held   *limits.Share
}

// add notes a thing of the agent's own. It may be derived from keys.
func (c *copying) add(id uuid.UUID, derived ...uuid.UUID) error {
	if id == uuid.Nil || id == c.from {
		return nil // see of
	}
	if !c.held.Try(idBytes) {
		return errBusy
	}
	c.ids[id] = events.Derive(c.to, "copy", id.String())
	for i := 0; i+1 < len(derived); i += 2 {
		if id == derived[i] {
			c.ids[id] = derived[i+1]
		}
	}
	return nil
}

// of is what an id is in the copy; nil copies nothing.
func (c *copying) of(id uuid.UUID) uuid.UUID {
	if c == nil || id == uuid.Nil {
		return id
	}
	if id == c.from {
		return c.to
	}
	if copied, own := c.ids[id]; own {
		return copied
	}
	return id
}

func (c *copying) all(ids []uuid.UUID) []uuid.UUID {
	copied := make([]uuid.UUID, len(ids))
	for n, id := range ids {
		copied[n] = c.of(id)
	}
	return copied
}

// ofText is what a text is in the copy: another one only where it is an id.
func (c *copying) ofText(text string) string {
	if id, err := events.ParseID(text); err == nil {
		if copied := c.of(id); copied != id {
			return copied.String()
		}
	}
	return text
}

// unique returns the ids that ElizaOS derives from either agent for what has these ids, see commands.AgentRoom.
func (c *copying) unique(keys ...string) (pairs []uuid.UUID) {
	for _, key := range keys {
		if key == "" {
			continue
		}
		with := key
		if key == c.from.String() {
			with = c.to.String()
		}
		pairs = append(pairs, events.UniqueUUID(c.from, key), events.UniqueUUID(c.to, with))
	}
	return pairs
}

func keyOf(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

// survey notes the ids of a record.
func (c *copying) survey(kind string, raw []byte) error {
	switch kind {
	case kindWorld:
		var w ExportedWorld
		if json.Unmarshal(raw, &w) != nil || w.AgentID != uuid.Nil && w.AgentID != c.from {
			return nil // a shared one stays what it is
		}
		return c.add(w.ID, c.unique(w.ServerID)...)
	case kindRoom:
		var r ExportedRoom
		if json.Unmarshal(raw, &r) != nil {
			return nil
		}
		return c.add(r.ID, c.unique(keyOf(r.ChannelID), r.ServerID)...)
	case kindEntity:
		var n ExportedEntity
		if json.Unmarshal(raw, &n) != nil {
			return nil
		}
		return c.add(n.ID, c.unique(n.SubjectID.String())...)
	case kindMemory:
		return c.surveyMemory(raw)
	}
	return nil
}

func (c *copying) surveyMemory(raw []byte) error {
	var m struct {
		ID, DocumentID, MessageID *uuid.UUID
		Metadata                  struct {
			Path, Hash string
			Position   *int
		}
	}
	if json.Unmarshal(raw, &m) != nil || m.ID == nil {
		return nil
	}
	if c.from == c.to {
		return c.add(*m.ID)
	}
	derived := c.unique(keyOf(m.MessageID))
	if path := m.Metadata.Path; path != "" && *m.ID == events.NamedDocumentID(c.from, path) {
		derived = append(derived, *m.ID, events.NamedDocumentID(c.to, path))
		c.hashes[*m.ID] = m.Metadata.Hash
	}
	if m.DocumentID != nil && m.Metadata.Position != nil {
		hash, place := c.hashes[*m.DocumentID], *m.Metadata.Position
		derived = append(derived, events.FragmentID(*m.DocumentID, place, hash), events.FragmentID(c.of(*m.DocumentID), place, hash))
	}
	return c.add(*m.ID, derived...)
}

// uuidLength is that of an id in its usual form.
const uuidLength = 36

// json puts the ids of the copy in the place of others, where a text is an id and nothing else, or names a member. All else stays as it
// is, byte by byte, and so does what the member text of the object says.
func (c *copying) json(raw json.RawMessage) json.RawMessage {
	if c == nil || len(raw) == 0 {
		return raw
	}
	var out []byte
	depth, name := 0, []byte(nil)
	for at := 0; at < len(raw); at++ {
		switch raw[at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := at + 1
			for ; end < len(raw) && raw[end] != '"'; end++ {
				if raw[end] == '\\' {
					end++
				}
			}
			if end >= len(raw) {
				return raw // no JSON
			}
			text := raw[at+1 : end]
			names := bytes.HasPrefix(bytes.TrimLeft(raw[end+1:], " \t\r\n"), []byte(":"))
			if said := depth == 1 && !names && string(name) == "text"; len(text) == uuidLength && !said {
				if copied := c.ofText(string(text)); copied != string(text) {
					if out == nil {
						out = bytes.Clone(raw)
					}
					copy(out[at+1:end], copied)
				}
			}
			if names && depth == 1 {
				name = text
			}
			at = end
		}
	}
	if out == nil {
		return raw
	}
	return out
}

// dependent notes which memories of a file later ones depend on: those whose ids come twice, and documents that have fragments.
type dependent struct {
	seen   map[uuid.UUID]struct{}
	needed map[events.StreamID]struct{}
	held   *limits.Share
}

// on reports whether what a dry run says of later records depends on a stream.
func (d *dependent) on(s events.StreamID) bool {
	_, needed := d.needed[s]
	return needed || s.Category() != "memory"
}

func (d *dependent) survey(w commands.StoreMemory) error {
	if _, twice := d.seen[w.MemoryID]; twice {
		d.needed[w.Stream()] = struct{}{}
	}
	d.seen[w.MemoryID] = struct{}{}
	if w.DocumentID != uuid.Nil {
		d.needed[events.MemoryStream(w.DocumentID)] = struct{}{}
	}
	if !d.held.Try(idBytes) {
		return errBusy
	}
	return nil
}

// survey learns what has to be known of all records before the first is taken in.
func (i *importing) survey() error {
	if i.onConflict == conflictCopy {
		i.copies = &copying{from: i.head.AgentID, to: i.agent, ids: map[uuid.UUID]uuid.UUID{}, hashes: map[uuid.UUID]string{}, held: i.ids}
		note := func(_ int, kind string, raw []byte) error { return i.copies.survey(kind, raw) }
		for _, s := range []*spool{i.others, i.memories} {
			if err := s.each(note); err != nil {
				return fmt.Errorf("look for ids: %w", err)
			}
		}
	}
	if !i.dry {
		return nil
	}
	i.depends = &dependent{seen: map[uuid.UUID]struct{}{}, needed: map[events.StreamID]struct{}{}, held: i.ids}
	return i.memories.each(func(_ int, _ string, raw []byte) error {
		w, err := i.wish(raw)
		if err != nil {
			return nil // the record fails when it is taken in
		}
		return i.depends.survey(w)
	})
}
