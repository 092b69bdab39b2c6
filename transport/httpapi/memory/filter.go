package memory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// FilterQuery says which memories a list has.
type FilterQuery struct {
	TableName string       `query:"tableName" doc:"The table that they are in, which is their type: messages where neither this nor type is given."`
	Type      string       `query:"type" doc:"The same."`
	EntityID  string       `query:"entityId" doc:"Only what is of this entity."`
	From      frame.Moment `query:"from" doc:"Only what is of this time or after."`
	To        frame.Moment `query:"to" doc:"Only what is of this time or before; of a date alone, to its end."`
	Metadata  string       `query:"metadata" doc:"As metadata.key=value, or metadata.outer.inner=value: only what has this value there, compared as text, or has it in a list there. Up to 8, all of which must be so."`
}

// metadataPrefix begins the parameters that are about members of the metadata.
const metadataPrefix = "metadata."

// filter adds what the client asks for.
func (q FilterQuery) filter(c *frame.Call, f queries.MemoryFilter) (queries.MemoryFilter, error) {
	if q.Type != "" && q.TableName != "" && q.Type != q.TableName {
		return f, problem.Invalid("Invalid type: it is another one than tableName")
	}
	f.Table = cmp.Or(q.Type, q.TableName, "messages")
	f.From, f.To = q.From.Time, q.To.End()
	var err error
	if f.Entity, err = frame.OptionalID("entityId", frame.Text(q.EntityID), uuid.Nil); err != nil {
		return f, err
	}
	if q.Metadata != "" {
		return f, problem.Invalid("Invalid metadata: metadata.key=value was expected")
	}
	for name, values := range c.HTTP().URL.Query() {
		path, is := strings.CutPrefix(name, metadataPrefix)
		if !is {
			continue
		}
		keys := strings.Split(path, ".")
		if slices.Contains(keys, "") {
			return f, problem.Invalid("Invalid %.100s: a key is missing", name)
		}
		for _, value := range values {
			f.Metadata = append(f.Metadata, queries.MetadataIs{Keys: keys, Value: value})
		}
	}
	if len(f.Metadata) > maxMetadata.Int() {
		return f, problem.Invalid("Invalid metadata: at most %d members can be asked for", maxMetadata.Value)
	}
	return f, nil
}
