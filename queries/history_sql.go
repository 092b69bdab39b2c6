package queries

import (
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"annals/events"
)

// historyQuery is a question under construction. It has no condition for what is not set: each kind of question is planned
// for itself.
type historyQuery struct {
	HistoryFilter
	args []any
}

const factColumns = "h.position, h.id, h.stream, h.revision, h.type, h.recorded, h.data, h.metadata"

func (f HistoryFilter) statement(limit int) (string, []any) {
	q := &historyQuery{HistoryFilter: f}
	end := fmt.Sprintf(" order by h.position %s limit %d", q.order(), limit)
	if keys := q.keys(); len(keys) > 0 {
		return "select " + factColumns + " from (" + q.byType(keys, limit) + ") p join history h using (position)" + end, q.args
	}
	where := q.rest("h")
	if f.Type != "" {
		where = append(where, "h.type = "+q.arg(f.Type))
	}
	return "select " + factColumns + " from history h" + all(where) + end, q.args
}

func (q *historyQuery) order() string {
	if q.Direction == events.Backwards {
		return "desc"
	}
	return "asc"
}

func (q *historyQuery) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func all(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(conditions, " and ")
}

// key is a condition by which a table is found in the order of type and position; %s stands for the table.
type key struct{ table, condition string }

func (k key) of(alias string) string { return strings.ReplaceAll(k.condition, "%s", alias) }

func (k key) exists(conditions ...string) string {
	return "exists (select from " + k.table + " o" + all(append([]string{k.of("o")}, conditions...)) + ")"
}

// keys are the conditions that many facts may fit: the narrowest first, as far as that can be told.
func (q *historyQuery) keys() (keys []key) {
	for _, id := range q.Concerning {
		keys = append(keys, key{"concerns", "%s.thing = " + q.arg(id)})
	}
	for _, c := range []struct{ column, value string }{{"actor", q.Actor}, {"category", q.Category}} {
		if c.value != "" {
			keys = append(keys, key{"history", hashed("%s."+c.column, q.arg(c.value))})
		}
	}
	return keys
}

// hashed compares texts that are indexed by their hash.
func hashed(column, arg string) string {
	return fmt.Sprintf("hashtextextended(%[1]s, 0) = hashtextextended(%[2]s, 0) and %[1]s = %[2]s", column, arg)
}

// byType finds positions. Facts that many fit each of the keys and few, or none, fit all of them would be looked for in
// vain for long; but most that exclude each other do so by their types. So the types are found out first, which takes one
// look each, and each of them is looked through in its order.
func (q *historyQuery) byType(keys []key, limit int) string {
	last := keys[len(keys)-1]
	types := ""
	if q.Type != "" {
		types = "select " + q.arg(q.Type) + "::text as type"
	} else {
		first := "select k.type from " + last.table + " k where " + last.of("k")
		types = "with recursive t as ((" + first + " order by k.type limit 1) union all select (" + first +
			" and k.type > t.type order by k.type limit 1) from t where t.type is not null) select t.type from t where t.type is not null"
	}
	var together []string // of a type
	for _, k := range keys {
		together = append(together, k.exists("o.type = t.type"))
	}
	where := []string{keys[0].of("k"), "k.type = t.type"}
	from := keys[0].table + " k"
	for _, other := range keys[1:] {
		if other.table == "history" && keys[0].table == "history" {
			where = append(where, other.of("k"))
		} else {
			where = append(where, other.exists("o.type = t.type", "o.position = k.position"))
		}
	}
	where = append(where, q.rest("k")...)
	order := fmt.Sprintf(" order by k.position %s limit %d", q.order(), limit)
	types = "select t.type from (" + types + ") t" + all(together) + " offset 0" // which keeps it from being done last
	return "select k.position from (" + types + ") t cross join lateral (select k.position from " + from + all(where) + order + ") k" + order
}

// rest are the conditions besides; table has positions, and the history's other columns only where few facts fit.
func (q *historyQuery) rest(table string) (where []string) {
	add := func(set bool, condition string, value any) {
		if set {
			where = append(where, strings.ReplaceAll(strings.ReplaceAll(condition, "%s", table), "$", q.arg(value)))
		}
	}
	few := "%s.position in (select position from history f where "
	add(q.Stream != "", few+"hashtextextended(f.stream, 0) = hashtextextended($, 0) and f.stream = $)", string(q.Stream))
	add(q.Correlation != uuid.Nil, few+"f.correlation = $)", q.Correlation)
	add(q.Causation != uuid.Nil, few+"f.causation = $)", q.Causation)
	add(q.After != 0, "%s.position > $", int64(q.After))
	add(q.Before != 0, "%s.position < $", int64(q.Before))
	add(!q.From.IsZero(), "%s.position >= "+fmt.Sprintf(recordedFrom, "null"), q.From)
	add(!q.To.IsZero(), "%s.position < "+fmt.Sprintf(recordedFrom, fmt.Sprint(math.MaxInt64)), q.To)
	return where
}

// recordedFrom is the position of the first fact that was recorded at a time or after.
const recordedFrom = "coalesce((select position from history where recorded >= $ order by recorded, position limit 1), %s)"
