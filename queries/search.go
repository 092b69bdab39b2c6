package queries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgvector/pgvector-go"

	"annals/events"
	"annals/events/terms"
)

// Search says which memories of an agent are looked for. With words and a vector, both are used: a hybrid search. What the
// other fields leave open does not matter; nothing of what they let through is missed, unless it is beyond the limit.
type Search struct {
	Agent uuid.UUID
	// Words are in the syntax of web searches, unless they are Plain: a text of which all words are looked for.
	Words string
	Plain bool
	// Meaning is what is asked for as the server's model has it, Others as those models have it that memories were embedded with before:
	// each memory is compared with what its own model says.
	Meaning
	Others []Meaning
	// Threshold is the least similarity to be found by the vector. Without one it does not matter, but in a hybrid search, where it is Near.
	Threshold *float64
	Limit     int // at most MaxLimit

	Room, Channel, Entity uuid.UUID
	Table                 string
	From, To              time.Time // both inclusive
}

// Meaning is a text as an embedding model has it. A Vector of nil is none.
type Meaning struct {
	Vector []float32
	Model  string
	Scale
}

// Scale says how the similarities of a model are to be read. The zero Scale is UsualScale.
type Scale struct {
	// Unrelated is the similarity of texts that have nothing to do with each other, and Near that from which on a memory is found
	// without a word in common with what is asked.
	Unrelated, Near float64
	// Counts is what the meaning counts beside the words in a hybrid search, from 0 to 1.
	Counts float64
}

// UsualScale is that of models that nothing is known of.
var UsualScale = Scale{Unrelated: 0, Near: 0.15, Counts: 0.4}

func (m Meaning) scale() Scale {
	if m.Scale == (Scale{}) {
		return UsualScale
	}
	return m.Scale
}

// closeness is a similarity from 0, of what is unrelated, to 1.
func (s Scale) closeness(similarity float64) float64 {
	return max(similarity-s.Unrelated, 0) / (1 - s.Unrelated)
}

// Hit is a memory that was found. The best comes first.
type Hit struct {
	ID uuid.UUID
	// Similarity is the cosine between the vectors, where there are two of the same kind.
	Similarity *float64
	// Score is what hits are ordered by, from 0 to 1 in every mode: of words, how much of what is asked for is there, where a rare
	// word counts for more than a common one; of vectors, their similarity; where both are used, a mean of the two, and of the
	// better neighbour in the room.
	Score float64
}

const (
	// scanRows is up to how many rows it is better to compare each than to follow the index, where none that matters is among
	// the very nearest: it finds its way to the others badly, however long it goes on.
	scanRows = 100_000
	// minEffort and maxEffort bound hnsw.ef_search, how many neighbours the index keeps in sight; maxTuples is how many rows it
	// looks at before the search turns to all rows.
	minEffort = 200
	maxEffort = 1000
	maxTuples = 100_000
	// contenders are how many more than twice those that are wanted compete in a hybrid search.
	contenders = 20
	// searchLimit bounds each statement of a search.
	searchLimit = "3s"
)

// Find searches. It fails with events.ErrInvalid for a vector that cannot be searched, and with ErrUnselective.
func (q *Queries) Find(ctx context.Context, s Search) ([]Hit, error) {
	s.Limit = min(max(s.Limit, 0), MaxLimit)
	if asked := s.asked(); !asked.Empty() && !asked.Selective() {
		return nil, ErrUnselective
	}
	if s.Vector == nil {
		return q.byWords(ctx, s, s.Limit)
	}
	if err := events.CheckVector(s.Vector); err != nil {
		return nil, err
	}
	if s.Words == "" {
		return q.byMeaning(ctx, s, s.Limit, false)
	}
	return q.byBoth(ctx, s)
}

// byMeaning finds the nearest, each memory by the model that it was embedded with; where a search has no threshold, perhaps those alone
// that the model calls near.
func (q *Queries) byMeaning(ctx context.Context, s Search, n int, near bool) ([]Hit, error) {
	by := func(m Meaning) ([]Hit, error) {
		t := s
		if t.Meaning = m; near && s.Threshold == nil {
			t.Threshold = new(m.scale().Near)
		}
		return q.byVector(ctx, t, n)
	}
	hits, err := by(s.Meaning)
	if err != nil || len(s.Others) == 0 {
		return hits, err
	}
	names, dimensions := make([]string, len(s.Others)), make([]int, len(s.Others))
	for i, m := range s.Others {
		names[i], dimensions[i] = m.Model, len(m.Vector)
	}
	used, err := many(ctx, q, s.what(), pgx.RowTo[string], `
select asked from unnest($1::text[], $2::int[]) as other (asked, size)
where exists (select from vectors where model = asked and dimensions = size and agent_id = $3)`, names, dimensions, s.Agent)
	for _, m := range s.Others {
		if err != nil || !slices.Contains(used, m.Model) {
			continue
		}
		var more []Hit
		more, err = by(m)
		hits = append(hits, more...)
	}
	best(hits)
	return hits[:min(n, len(hits))], err
}

func (s Search) asked() terms.Query {
	if s.Plain {
		return terms.ParsePlain(s.Words)
	}
	return terms.Parse(s.Words)
}

func best(hits []Hit) {
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), slices.Compare(a.ID[:], b.ID[:]))
	})
}

// byVector finds the nearest: those that matter among the neighbours that the index has in sight. Where these do not tell
// enough, each row is compared or, if they are too many, the index gives one after another until enough matter.
func (q *Queries) byVector(ctx context.Context, s Search, n int) ([]Hit, error) {
	if n == 0 {
		return nil, nil
	}
	found, err := q.inSight(ctx, s, n)
	if err != nil || s.suffices(found, n) {
		return s.enough(found), err
	}
	rows, err := q.countVectors(ctx, s, scanRows)
	if err != nil || rows == 0 {
		return nil, err
	}
	if rows > scanRows {
		if found, err = q.nearest(ctx, s, n, ""); err != nil || s.suffices(found, n) {
			return s.enough(found), err
		}
	}
	found, err = q.nearest(ctx, s, n, " + 0") // an order that no index has
	if tookTooLong(err) {                     // on a busy machine: better those that the index finds than none
		found, err = q.nearest(ctx, s, n, "")
	}
	return s.enough(found), err
}

// tookTooLong tells of a statement that was cancelled for its time.
func tookTooLong(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "57014"
}

// suffices tells whether nothing is missing among what was found, the best first.
func (s Search) suffices(found []Hit, n int) bool {
	return len(found) == n || s.Threshold != nil && len(found) > 0 && *found[len(found)-1].Similarity < *s.Threshold
}

// countVectors counts the rows that matter, up to one more than so many.
func (q *Queries) countVectors(ctx context.Context, s Search, most int) (int, error) {
	where, args := s.vectorFilter()
	return one(ctx, q, s.what(), pgx.RowTo[int],
		`select count(*) from (select from vectors where `+where+` limit `+strconv.Itoa(most+1)+`) as counted`, args...)
}

// inSight finds those that matter among the neighbours that the index has in sight, and none unless one of them is among the n
// nearest of all. It looks at no more of them than it takes to find n: each that it looks at has to be fetched.
func (q *Queries) inSight(ctx context.Context, s Search, n int) ([]Hit, error) {
	where, args := s.vectorFilter()
	effort := min(max(4*n, minEffort), maxEffort)
	args = append(args, pgvector.NewVector(s.Vector).String(), n, effort)
	distance := s.distance(len(args) - 2)
	sql := fmt.Sprintf(`
with found as materialized (
	select id, distance, place from (
		select id, %[1]s as distance, %[2]s as matters, rank() over (order by %[1]s) as place
		from vectors where dimensions = %[3]d order by %[1]s limit $%[5]d) as seen
	where matters limit $%[4]d)
select id, (1 - distance)::float8 as similarity, (1 - distance)::float8 as score from found
where (select min(place) from found) <= $%[4]d order by distance, id`,
		distance, where, len(s.Vector), len(args)-1, len(args))
	return q.hits(ctx, s, sql, args, [2]string{"hnsw.iterative_scan", "off"}, [2]string{"hnsw.ef_search", strconv.Itoa(effort)})
}

func (q *Queries) nearest(ctx context.Context, s Search, n int, unindexed string) ([]Hit, error) {
	where, args := s.vectorFilter()
	args = append(args, pgvector.NewVector(s.Vector).String(), n)
	distance := s.distance(len(args) - 1)
	sql := fmt.Sprintf(`select id, (1 - distance)::float8 as similarity, (1 - distance)::float8 as score from (
	select id, %s as distance from vectors where %s order by %[1]s%[3]s limit $%[4]d) as nearest order by distance, id`,
		distance, where, unindexed, len(args))
	return q.hits(ctx, s, sql, args, [2]string{"hnsw.iterative_scan", "strict_order"},
		[2]string{"hnsw.ef_search", strconv.Itoa(maxEffort)}, [2]string{"hnsw.max_scan_tuples", strconv.Itoa(maxTuples)})
}

// distance is that of a row to the vector in an argument, which the subquery reads once, and not for each row.
func (s Search) distance(arg int) string {
	return fmt.Sprintf("(embedding::%s <=> (select $%d::text::%[1]s))", vectorKind(len(s.Vector)), arg)
}

// enough keeps what reaches the threshold.
func (s Search) enough(hits []Hit) []Hit {
	if s.Threshold == nil {
		return hits
	}
	return slices.DeleteFunc(hits, func(h Hit) bool { return *h.Similarity < *s.Threshold })
}

// hits reads in one transaction with the settings.
func (q *Queries) hits(ctx context.Context, s Search, sql string, args []any, settings ...[2]string) (found []Hit, err error) {
	err = q.searching(ctx, s, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
			return err
		})
	}, settings...)
	return found, err
}

// searching runs statements in one transaction, each within searchLimit.
func (q *Queries) searching(ctx context.Context, s Search, statements func(*pgx.Batch), settings ...[2]string) error {
	names, values := []string{"statement_timeout"}, []string{searchLimit}
	for _, set := range settings {
		names, values = append(names, set[0]), append(values, set[1])
	}
	_, err := again(q, func() (struct{}, error) {
		var b pgx.Batch
		b.Queue(`select set_config(name, value, true) from unnest($1::text[], $2::text[]) as setting (name, value)`, names, values)
		statements(&b)
		return struct{}{}, q.pool.SendBatch(ctx, &b).Close()
	})
	return failed(err, s.what())
}

func (s Search) what() string { return fmt.Sprintf("memories found of agent %s", s.Agent) }

// filter is the condition on the rows that matter, and its arguments.
func (s Search) filter() (string, []any) {
	where, args := "agent_id = $1", []any{s.Agent}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(" and "+condition, len(args))
	}
	if s.Room != uuid.Nil {
		add("room_id = $%d", s.Room)
	}
	if s.Channel != uuid.Nil {
		add("channel_id = $%d", s.Channel)
	}
	if s.Entity != uuid.Nil {
		add("entity_id = $%d", s.Entity)
	}
	if s.Table != "" {
		add("collection = $%d", s.Table)
	}
	if !s.From.IsZero() {
		add("created_at >= $%d", s.From)
	}
	if !s.To.IsZero() {
		add("created_at <= $%d", s.To)
	}
	return where, args
}

// vectorFilter is that on the rows whose vectors can be compared.
func (s Search) vectorFilter() (string, []any) {
	where, args := s.filter()
	args = append(args, s.Model)
	return fmt.Sprintf("%s and dimensions = %d and model = $%d", where, len(s.Vector), len(args)), args
}

// vectorKind is the type that vectors of a length are indexed as.
func vectorKind(n int) string {
	if n > 2000 {
		return fmt.Sprintf("halfvec(%d)", n)
	}
	return fmt.Sprintf("vector(%d)", n)
}
