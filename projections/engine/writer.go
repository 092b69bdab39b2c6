package engine

import "github.com/jackc/pgx/v5"

// Writer queues the writes of a projection. A projection gets it and the event, and no context, clock or connection.
type Writer struct{ writes *[]write }

// write is a statement and its arguments.
type write struct {
	*statement
	args []any
}

// NewWriter returns a Writer with an empty queue.
func NewWriter() Writer { return Writer{new([]write)} }

// Exec queues SQL that no method of Table covers. It is a barrier: no write is moved across it.
func (w Writer) Exec(sql string, args ...any) {
	*w.writes = append(*w.writes, write{&statement{one: sql}, args})
}

// Batch returns the queued writes in order, one statement for each row.
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
