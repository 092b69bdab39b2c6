package projections

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"annals/projections/engine"
)

func TestEveryRowMatchesItsTable(t *testing.T) {
	t.Parallel()
	conn := connect(t, database(t))
	described := map[string][]engine.Column{}
	for _, p := range All() {
		execute(t, conn, p.Tables)
		for _, r := range p.Rows {
			described[r.Name()] = r.Columns()
		}
	}
	for _, table := range tablesIn(t, conn) {
		columns := described[table]
		delete(described, table)
		rows, err := conn.Query(patient(t), `
select a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, a.attnum = any (i.indkey), ''
from pg_attribute a join pg_index i on i.indrelid = a.attrelid and i.indisprimary
where a.attrelid = $1::regclass and a.attnum > 0 order by a.attname collate "C"`, table)
		must(t, err)
		made, err := pgx.CollectRows(rows, pgx.RowToStructByPos[engine.Column])
		must(t, err)
		for i := range columns {
			c := &columns[i]
			if c.Expression != "" { // whose type is its own
				at := slices.IndexFunc(made, func(m engine.Column) bool { return m.Name == c.Name })
				c.Type, c.Expression = made[at].Type, ""
			}
		}
		slices.SortFunc(columns, func(a, b engine.Column) int { return strings.Compare(a.Name, b.Name) })
		if diff := cmp.Diff(made, columns); diff != "" {
			t.Errorf("%s: the table (-) and its rows (+):\n%s", table, diff)
		}
	}
	for name := range described {
		t.Errorf("there is no table %s", name)
	}
}
