package engine

import "github.com/jackc/pgx/v5"

// Writer queues what a projection writes for an event. It is all that a projection is given besides the event: no context,
// clock or connection.
type Writer struct{ writes *[]write }

// write is a statement with its arguments.
type write struct {
	*statement
	args []any
}

// NewWriter has nothing queued.
func NewWriter() Writer { return Writer{new([]write)} }

// Exec queues SQL for which a Table has no method. Nothing is exchanged with it.
func (w Writer) Exec(sql string, args ...any) {
	*w.writes = append(*w.writes, write{&statement{one: sql}, args})
}

// Batch gives what was queued, one statement a row, in order.
func (w Writer) Batch() *pgx.Batch {
	var q pgx.Batch
	appendTo(&q, *w.writes...)
	return &q
}

func appendTo(q *pgx.Batch, all ...write) {
	for _, w := range all {
		q.Queue(w.one, w.args...)
	}
}
