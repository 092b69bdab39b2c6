package engine

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Table writes the rows of a table. R is a struct whose fields name their columns, in tags: ",key" follows the name of a column
// of the key, ",null" one in which a zero value is stored as null. The fields of an embedded struct count as R's.
//
//	type message struct {
//		ID       uuid.UUID       `db:"id,key"`
//		Content  string          `db:"content"`
//		Metadata json.RawMessage `db:"metadata,null"`
//	}
//
// Upsert, Insert and Update write one row, found by its key: the committer joins many of them into one statement where their
// order makes no difference. Delete is a barrier, as Exec is.
type Table[R any] struct{ *relation }

// relation describes a table and has its statements.
type relation struct {
	name           string
	fields         []field
	kept           []string
	condition      string
	reads          []Read
	upsert, insert *statement

	mu      sync.Mutex
	updates map[partial]update
}

// partial identifies an update: by the struct, which has some of the columns, and the condition.
type partial struct {
	reflect.Type
	condition string
}

type update struct {
	*statement
	fields []field
}

// TableOption adds to the description of a table.
type TableOption func(*relation)

// Keep names columns that Upsert does not change in an existing row.
func Keep(columns ...string) TableOption {
	return func(r *relation) {
		for _, column := range columns {
			r.kept = append(r.kept, r.fields[index(r.fields, column)].Name)
		}
	}
}

// Expression stores the result of SQL in a column. In it {column} stands for a value of the row, the column's own included.
func Expression(column, sql string) TableOption {
	return func(r *relation) { r.fields[index(r.fields, column)].Expression = sql }
}

// If makes Upsert and Insert depend on a condition, in which {column} stands for a value of the row. It may read rows of other
// tables of the projection, which have to be named, but none of the table itself. Rows that Exec writes need no name.
func If(condition string, reads ...Read) TableOption {
	return func(r *relation) { r.condition, r.reads = condition, reads }
}

// Read names a row that a condition reads.
type Read struct {
	of  *relation
	key []string
}

// Row names a row of the table by its key: each value is a column of the row that has the condition, or a text in quotes.
func (t *Table[R]) Row(key ...string) Read { return Read{t.relation, key} }

// NewTable describes a table. It panics if R or an option does not fit.
func NewTable[R any](name string, options ...TableOption) *Table[R] {
	r := &relation{name: name, fields: fieldsOf(reflect.TypeFor[R]()), updates: map[partial]update{}}
	for _, o := range options {
		o(r)
	}
	if n := len(r.key()); n == 0 || n > len(rowKey{}.values) {
		panic(fmt.Sprintf("table %s has %d columns in its key", name, n))
	}
	r.upsert, r.insert = r.inserting(r.replace()), r.inserting("do nothing")
	r.insert.ignores = true
	return &Table[R]{r}
}

// Upsert inserts a row, or replaces the one that has the same key.
func (t *Table[R]) Upsert(w Writer, row R) {
	w.add(t.upsert, t.fields, reflect.ValueOf(&row).Elem())
}

// Insert inserts a row, and does nothing if one has the same key.
func (t *Table[R]) Insert(w Writer, row R) {
	w.add(t.insert, t.fields, reflect.ValueOf(&row).Elem())
}

// Update sets some columns of an existing row: some is a struct with a few of R's columns, the key included.
func (t *Table[R]) Update(w Writer, some any) { t.UpdateIf(w, some, "") }

// UpdateIf updates the row only if a condition holds, which reads that row alone. {column} stands for a value of the struct.
func (t *Table[R]) UpdateIf(w Writer, some any, condition string) {
	u := t.updating(partial{reflect.TypeOf(some), condition})
	v := reflect.New(reflect.TypeOf(some)).Elem()
	v.Set(reflect.ValueOf(some))
	w.add(u.statement, u.fields, v)
}

// Where has a value for each column that is compared.
type Where map[string]any

// Delete deletes the rows that have all of the values.
func (t *Table[R]) Delete(w Writer, where Where) {
	clause, args := t.where(where)
	w.Exec("delete from "+t.name+" where "+clause, args...)
}

func (r *relation) where(where Where) (clause string, args []any) {
	var all []string
	for n, column := range slices.Sorted(maps.Keys(where)) {
		f := r.fields[index(r.fields, column)]
		all = append(all, fmt.Sprintf("%s = $%d", f.Name, n+1))
		v := reflect.New(reflect.TypeOf(where[column])).Elem()
		v.Set(reflect.ValueOf(where[column]))
		args = append(args, f.value(v))
	}
	return strings.Join(all, " and "), args
}

// Name returns the name of the table.
func (r *relation) Name() string { return r.name }

// Columns returns the columns in the order of the fields.
func (r *relation) Columns() (all []Column) {
	for _, f := range r.fields {
		all = append(all, f.Column)
	}
	return all
}

// index finds a column, and panics if there is none.
func index(fields []field, column string) int {
	i := slices.IndexFunc(fields, func(f field) bool { return f.Name == column })
	if i < 0 {
		panic(fmt.Sprintf("there is no column %q", column))
	}
	return i
}
