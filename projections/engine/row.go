package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pgvector/pgvector-go"
)

// Column describes a column of a table.
type Column struct {
	Name string
	Type string // as PostgreSQL names it
	Null bool
	Key  bool
	// Expression is the SQL whose result is stored; empty if the value itself is. See Expression, the option.
	Expression string
}

// Rows describes the rows of a table. Every Table is one.
type Rows interface {
	Name() string
	Columns() []Column
}

// hasVectors reports whether a column has the type of pgvector, which has to be registered with pgx.
func (p Projection) hasVectors() bool {
	return slices.ContainsFunc(p.Rows, func(r Rows) bool {
		return slices.ContainsFunc(r.Columns(), func(c Column) bool { return c.Type == "vector" })
	})
}

// field is a column and the struct field that holds its value.
type field struct {
	Column
	index []int
	value func(reflect.Value) any // converts the field, which is addressable, to what is sent
}

// fieldsOf reads the tags of a struct (see Table). It panics if a field has none, or a type that no column has.
func fieldsOf(row reflect.Type) (all []field) {
	for _, f := range reflect.VisibleFields(row) {
		if f.Anonymous {
			continue
		}
		name, traits, _ := strings.Cut(f.Tag.Get("db"), ",")
		kind, value := columnType(f.Type)
		if name == "" || kind == "" || traits != "" && traits != "key" && traits != "null" {
			panic(fmt.Sprintf("field %s of %s, a %s with the tag %q, is no column", f.Name, row, f.Type, f.Tag))
		}
		c := field{Column{Name: name, Type: kind, Key: traits == "key", Null: traits == "null"}, f.Index, value}
		if c.Null {
			c.value = func(v reflect.Value) any {
				if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
					return nil
				}
				return value(v)
			}
		}
		all = append(all, c)
	}
	return all
}

// columnType maps a type of Go to PostgreSQL's name for it, and to a conversion to a value that pgx encodes without wrapping
// it first.
func columnType(t reflect.Type) (string, func(reflect.Value) any) {
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return "uuid", func(v reflect.Value) any { return pgtype.UUID{Bytes: *pointer[uuid.UUID](v), Valid: true} }
	case reflect.TypeFor[time.Time]():
		return "timestamp with time zone", func(v reflect.Value) any { return pgtype.Timestamptz{Time: *pointer[time.Time](v), Valid: true} }
	case reflect.TypeFor[json.RawMessage]():
		return "json", func(v reflect.Value) any { return *pointer[json.RawMessage](v) }
	case reflect.TypeFor[[]byte]():
		return "bytea", func(v reflect.Value) any { return v.Bytes() }
	case reflect.TypeFor[pgvector.Vector]():
		return "vector", func(v reflect.Value) any { return *pointer[pgvector.Vector](v) }
	case reflect.TypeFor[pgtype.TSVector]():
		return "tsvector", func(v reflect.Value) any { return *pointer[pgtype.TSVector](v) }
	case reflect.TypeFor[[]string]():
		return "text[]", func(v reflect.Value) any { return append([]string{}, *pointer[[]string](v)...) } // nil is an empty list
	}
	switch t.Kind() {
	case reflect.String:
		return "text", func(v reflect.Value) any { return v.String() }
	case reflect.Bool:
		return "boolean", func(v reflect.Value) any { return v.Bool() }
	case reflect.Float64:
		return "double precision", func(v reflect.Value) any { return v.Float() }
	case reflect.Int32:
		return "integer", func(v reflect.Value) any { return int32(v.Int()) } //nolint:gosec // it is one
	case reflect.Int, reflect.Int64:
		return "bigint", func(v reflect.Value) any { return v.Int() }
	case reflect.Uint64:
		return "bigint", func(v reflect.Value) any { return int64(v.Uint()) } //nolint:gosec // positions and revisions are far from the end
	}
	return "", nil
}

func pointer[T any](v reflect.Value) *T { return v.Addr().Interface().(*T) }
