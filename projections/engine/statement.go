package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// statement writes the row that has a key. Its form for one row takes a value for each column; its form for many rows takes an
// array for each column, which costs PostgreSQL about half as much.
type statement struct {
	relation *relation // nil for the SQL of Exec
	one      string
	many     string // empty if a column is an array: PostgreSQL flattens arrays of arrays
	conflict string // the ON CONFLICT clause, which is part of one and not of many
	ignores  bool   // an existing row is left as it is
	key      []int  // indexes of the arguments that are the key
	reads    []readKey
}

// readKey is how the key of a row that a condition reads is found.
type readKey struct {
	relation *relation
	args     [3]int // the index of an argument, or -1 for what is in texts
	texts    [3]any
}

// statement renders a template, in which {column} stands for a value and {from} for the source of the values of many rows.
func (r *relation) statement(fields []field, template, conflict string) *statement {
	s := &statement{relation: r, conflict: conflict}
	var one, many, rows []string
	arrays := false
	for i, f := range fields {
		one = append(one, "{"+f.Name+"}", fmt.Sprintf("$%d::%s", i+1, f.Type))
		many = append(many, "{"+f.Name+"}", fmt.Sprintf("row.p%d", i+1))
		rows = append(rows, fmt.Sprintf("unnest($%[1]d::%[2]s[]) as p%[1]d", i+1, f.Type))
		arrays = arrays || strings.HasSuffix(f.Type, "[]")
		if f.Key {
			s.key = append(s.key, i)
		}
	}
	s.one = strings.NewReplacer(append(one, "{from}", "")...).Replace(template) + conflict
	if !arrays { // each unnest by itself: one over all arrays would materialize them first
		from := "from (select " + strings.Join(rows, ", ") + ") as row"
		s.many = strings.NewReplacer(append(many, "{from}", from)...).Replace(template)
	}
	if strings.Contains(s.one, "{") {
		panic(fmt.Sprintf("table %s: a column that is not there: %s", r.name, s.one))
	}
	return s
}

// stored is the template of what a column is set to.
func (f field) stored() string {
	if f.Expression != "" {
		return f.Expression
	}
	return "{" + f.Name + "}"
}

// key lists the columns of the primary key.
func (r *relation) key() (names []string) {
	for _, f := range r.fields {
		if f.Key {
			names = append(names, f.Name)
		}
	}
	return names
}

// inserting is the statement that inserts whole rows; action follows ON CONFLICT.
func (r *relation) inserting(action string) *statement {
	var names, values []string
	for _, f := range r.fields {
		names, values = append(names, f.Name), append(values, f.stored())
	}
	template := "insert into " + r.name + " (" + strings.Join(names, ", ") + ") select " + strings.Join(values, ", ") + " {from}"
	if r.condition != "" {
		template += " where " + r.condition
	}
	s := r.statement(r.fields, template, " on conflict ("+strings.Join(r.key(), ", ")+") "+action)
	for _, read := range r.reads {
		s.reads = append(s.reads, read.keyIn(r.fields))
	}
	return s
}

// keyIn finds the values of the key among the arguments of a row. It panics if a column is not there.
func (r Read) keyIn(fields []field) readKey {
	k := readKey{relation: r.of, args: [3]int{-1, -1, -1}}
	for i, value := range r.key {
		if text, quoted := strings.CutPrefix(value, "'"); quoted {
			k.texts[i] = strings.TrimSuffix(text, "'")
		} else {
			k.args[i] = index(fields, value)
		}
	}
	return k
}

// replace is the action of Upsert.
func (r *relation) replace() string {
	var all []string
	for _, f := range r.fields {
		if !f.Key && !slices.Contains(r.kept, f.Name) {
			all = append(all, f.Name+" = excluded."+f.Name)
		}
	}
	if len(all) == 0 {
		return "do nothing"
	}
	return "do update set " + strings.Join(all, ", ")
}

// updating is the statement that sets the columns of a partial row. It panics if these are not columns of the table.
func (r *relation) updating(p partial) update {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.updates[p]; ok {
		return known
	}
	u := update{fields: fieldsOf(p.Type)}
	var set, where []string
	for i := range u.fields {
		f := &u.fields[i]
		whole := r.fields[index(r.fields, f.Name)]
		f.Expression = whole.Expression
		if f.Column != whole.Column {
			panic(fmt.Sprintf("table %s: %s describes %s in another way", r.name, p.Type, f.Name))
		}
		if f.Key {
			where = append(where, f.Name+" = {"+f.Name+"}")
		} else {
			set = append(set, f.Name+" = "+f.stored())
		}
	}
	if len(where) < len(r.key()) {
		panic(fmt.Sprintf("table %s: %s lacks columns of the key", r.name, p.Type))
	}
	if p.condition != "" {
		where = append(where, "("+p.condition+")")
	}
	u.statement = r.statement(u.fields, "update "+r.name+" set "+strings.Join(set, ", ")+" {from} where "+strings.Join(where, " and "), "")
	r.updates[p] = u
	return u
}

// add queues a statement with the values of a struct, which is addressable.
func (w Writer) add(s *statement, fields []field, row reflect.Value) {
	args := make([]any, len(fields))
	for i, f := range fields {
		args[i] = f.value(row.FieldByIndex(f.index))
	}
	*w.writes = append(*w.writes, write{s, args})
}
