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
)

// Search says which memories of an agent are looked for. With words and a vector, both are used: a hybrid search. What the
// other fields leave open does not matter; nothing of what they let through is missed, unless it is beyond the limit.
type Search struct {
	Agent  uuid.UUID
	Words  string
	Vector []float32
	// Model is whose vectors are compared, besides those that clients gave: those have to be of the same model.
	Model string
	// Threshold is the least similarity to be found by the vector; without one it does not matter.
	Threshold *float64
	Limit     int // at most MaxLimit

	Room, Channel, Entity uuid.UUID
	Table                 string
	From, To              time.Time // both inclusive
}

// Hit is a memory that was found. The best comes first.
type Hit struct {
	ID uuid.UUID
	// Similarity is the cosine between the vectors, where there are two of the same kind.
	Similarity *float64
	// Score is what hits are ordered by: the similarity; or how well the words fit, and 1 more where all of them do; or,
	// where both count, the sum of the reciprocal ranks.
	Score float64
}

// NearEnough is the similarity from which on a memory is found without a word in common with what is asked. Below it are, with
// hashed words and with the models of the endpoints, texts that have nothing to do with each other.
const NearEnough = 0.15

const (
	// scanRows is up to how many rows it is better to compare each than to follow the index, where none that matters is among
	// the very nearest: it finds its way to the others badly, however long it goes on.
	scanRows = 100_000
	// minEffort and maxEffort bound hnsw.ef_search, how many neighbours the index keeps in sight; maxTuples is how many rows it
	// looks at before the search turns to all rows.
	minEffort = 200
	maxEffort = 1000
	maxTuples = 100_000
	// contenders are how many at least of each kind compete in a hybrid search; ranked, how many rows with a word of the text
	// are ranked.
	contenders = 60
	ranked     = 20_000
	// rankOffset is the constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).
	rankOffset = 60
	// searchLimit bounds each statement of a search.
	searchLimit = "3s"
)

// Find searches. It fails with events.ErrInvalid for a vector that cannot be searched.
func (q *Queries) Find(ctx context.Context, s Search) ([]Hit, error) {
	s.Limit = min(max(s.Limit, 0), MaxLimit)
	if s.Vector == nil {
		return q.byWords(ctx, s, s.Limit)
	}
	if err := events.CheckVector(s.Vector); err != nil {
		return nil, err
	}
	if s.Words == "" {
		return q.byVector(ctx, s, s.Limit)
	}
	n := min(max(4*s.Limit, contenders), MaxLimit)
	near, err := q.byVector(ctx, s, n)
	if err != nil {
		return nil, err
	}
	worded, err := q.byWords(ctx, s, n)
	return fuse(near, worded, s.Limit), err
}

// fuse orders by the sum of the reciprocal ranks.
func fuse(near, worded []Hit, limit int) []Hit {
	found := map[uuid.UUID]Hit{}
	for _, list := range [][]Hit{near, worded} {
		for rank, h := range list {
			before, ok := found[h.ID]
			if ok {
				h.Similarity = before.Similarity
			}
			h.Score = before.Score + 1/float64(rankOffset+rank+1)
			found[h.ID] = h
		}
	}
	all := make([]Hit, 0, len(found))
	for _, h := range found {
		all = append(all, h)
	}
	best(all)
	return all[:min(limit, len(all))]
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

// byWords finds first what has all words, then what has some.
func (q *Queries) byWords(ctx context.Context, s Search, n int) ([]Hit, error) {
	if n == 0 {
		return nil, nil
	}
	found, err := q.worded(ctx, s, n, false)
	if err != nil || len(found) == n {
		return found, err
	}
	some, err := q.worded(ctx, s, n, true)
	for _, h := range some {
		if len(found) < n && !slices.ContainsFunc(found, func(f Hit) bool { return f.ID == h.ID }) {
			found = append(found, h)
		}
	}
	return found, err
}

// worded ranks what fits a text in the syntax of web searches ("a phrase", or, -without), by the stems of English; a text
// without any, such as "to be or not to be", as it stands. With some, any one of the words suffices.
func (q *Queries) worded(ctx context.Context, s Search, n int, some bool) ([]Hit, error) {
	where, args := s.filter()
	args = append(args, s.Words)
	words := len(args)
	similarity := "null::float8"
	if s.Vector != nil {
		args = append(args, pgvector.NewVector(s.Vector).String(), s.models())
		similarity = fmt.Sprintf("case when dimensions = %d and model = any($%d) then (1 - (embedding <=> (select $%d::text::vector)))::float8 end",
			len(s.Vector), len(args), len(args)-1)
	}
	wanted, bonus, condition := "q", 1, "true"
	if some {
		wanted, bonus, condition = "replace(q::text, ' & ', ' | ')::tsquery", 0, "strpos(q::text, '!') = 0"
	}
	args = append(args, n)
	sql := fmt.Sprintf(`
with english as (select websearch_to_tsquery('english', $%[1]d) as q),
	asked as (select case when numnode(q) > 0 then q else websearch_to_tsquery('simple', $%[1]d) end as q from english),
	wanted as (select %[2]s as q from asked where %[3]s)
select id, %[4]s as similarity, score from (
	select fitting.*, (ts_rank(words, q, 1) + %[5]d)::float8 as score from (
		select vectors.*, q from vectors, wanted where words @@ q and %[6]s limit %[7]d) as fitting
	order by score desc, id limit $%[8]d) as ranked order by score desc, id`,
		words, wanted, condition, similarity, bonus, where, ranked, len(args))
	return q.hits(ctx, s, sql, args)
}

// hits reads in one transaction with the settings.
func (q *Queries) hits(ctx context.Context, s Search, sql string, args []any, settings ...[2]string) ([]Hit, error) {
	names, values := []string{"statement_timeout"}, []string{searchLimit}
	for _, set := range settings {
		names, values = append(names, set[0]), append(values, set[1])
	}
	found, err := again(q, func() (found []Hit, err error) {
		var b pgx.Batch
		b.Queue(`select set_config(name, value, true) from unnest($1::text[], $2::text[]) as setting (name, value)`, names, values)
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
			return err
		})
		return found, q.pool.SendBatch(ctx, &b).Close()
	})
	return found, failed(err, s.what())
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
	args = append(args, s.models())
	return fmt.Sprintf("%s and dimensions = %d and model = any($%d)", where, len(s.Vector), len(args)), args
}

func (s Search) models() []string { return []string{s.Model, events.ModelGiven} }

// vectorKind is the type that vectors of a length are indexed as.
func vectorKind(n int) string {
	if n > 2000 {
		return fmt.Sprintf("halfvec(%d)", n)
	}
	return fmt.Sprintf("vector(%d)", n)
}
