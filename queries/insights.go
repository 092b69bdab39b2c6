package queries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"annals/events"
)

// Stats counts what an agent remembers.
type Stats struct {
	Total    int     `json:"total"`
	Embedded int     `json:"embedded" doc:"What is found by its meaning: it has a vector of the model, or a client's."`
	Pending  int     `json:"pending" doc:"What says something, and has no such vector yet."`
	ByTable  []Count `json:"byTable"`
	ByType   []Count `json:"byType"`
	ByRoom   []Count `json:"byRoom"`
	ByEntity []Count `json:"byEntity"`
	ByDay    []Count `json:"byDay"`
	Oldest   *Millis `json:"oldest"`
	Newest   *Millis `json:"newest"`
	Bytes    int64   `json:"bytes"`
}

// Count is how often something occurs: a table, a room, a day.
type Count struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
}

// counted bounds the rooms, entities and days that are told apart; the most frequent are.
const counted = 366

// Period bounds a time; an end that is zero is open.
type Period struct{ From, To time.Time }

func (p Period) bounds() (from, to pgtype.Timestamptz) {
	from = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	to = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	if !p.From.IsZero() {
		from = pgtype.Timestamptz{Time: p.From, Valid: true}
	}
	if !p.To.IsZero() {
		to = pgtype.Timestamptz{Time: p.To, Valid: true}
	}
	return from, to
}

// MemoryStats counts an agent's memories of a period, and those of them that a model has embedded.
func (q *Queries) MemoryStats(ctx context.Context, agent uuid.UUID, p Period, m Model) (Stats, error) {
	type row struct {
		Part           int
		Key            string
		Count          int
		Oldest, Newest Millis
		Bytes          int64
	}
	from, to := p.bounds()
	rows, err := many(ctx, q, "statistics", pgx.RowToStructByPos[row], `
with chosen as (
	select collection, coalesce(metadata->>'type', '') as type, room_id::text as room, entity_id::text as entity, created_at,
		to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day,
		octet_length(coalesce(content::text, '')) + octet_length(coalesce(metadata::text, '')) as bytes
	from memories where agent_id = $1 and created_at >= $2 and created_at <= $3
), parts as (
	select grouping(collection, type, room, entity, day) as part, coalesce(collection, type, room, entity, day, '') as key,
		count(*) as count, min(created_at) as oldest, max(created_at) as newest, sum(bytes)::bigint as bytes
	from chosen group by grouping sets ((collection), (type), (room), (entity), (day), ())
), ranked as (
	select *, row_number() over (partition by part order by count desc, key) as rank from parts where count > 0
)
select part, key, count, oldest, newest, bytes from ranked where rank <= $4 order by part, count desc, key`, agent, from, to, counted)
	s := Stats{ByTable: []Count{}, ByType: []Count{}, ByRoom: []Count{}, ByEntity: []Count{}, ByDay: []Count{}}
	parts := map[int]*[]Count{0b01111: &s.ByTable, 0b10111: &s.ByType, 0b11011: &s.ByRoom, 0b11101: &s.ByEntity, 0b11110: &s.ByDay}
	for _, r := range rows {
		if part := parts[r.Part]; part != nil {
			*part = append(*part, Count{r.Key, r.Count})
		} else {
			s.Total, s.Bytes, s.Oldest, s.Newest = r.Count, r.Bytes, &r.Oldest, &r.Newest
		}
	}
	slices.SortFunc(s.ByDay, func(a, b Count) int { return cmp.Compare(a.Key, b.Key) })
	if err != nil || s.Total == 0 {
		return s, err
	}
	counts, err := one(ctx, q, "statistics", pgx.RowTo[[2]int], `select array[count(*) filter (where model = $1 or model = $2 and (dimensions = $3 or $3 = 0)),
		count(*) filter (where `+lacking+`)] from vectors where agent_id = $4 and created_at >= $5 and created_at <= $6`,
		events.ModelGiven, m.Name, m.Dimensions, agent, from, to)
	s.Embedded, s.Pending = counts[0], counts[1]
	return s, err
}

// Insights tells what an agent's memories are about, and when it is busy. Hours and days are those of UTC; weekdays begin
// with Sunday, at 0.
type Insights struct {
	Terms     []Term   `json:"terms"`
	ByHour    []int    `json:"byHour"`
	ByWeekday []int    `json:"byWeekday"`
	Rooms     []Busy   `json:"rooms"`
	Entities  []Busy   `json:"entities"`
	Growth    []Growth `json:"growth"`
}

// Term is a word, and in how many memories it occurs: in all, in the earlier and in the later half of the period.
type Term struct {
	Term    string `json:"term"`
	Count   int    `json:"count"`
	Earlier int    `json:"earlier"`
	Later   int    `json:"later"`
	Change  int    `json:"change"`
}

// Busy is a room or an entity with its memories.
type Busy struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Count int       `json:"count"`
}

// Growth is what was added on a day, and how much there was then.
type Growth struct {
	Day   string `json:"day"`
	Added int    `json:"added"`
	Total int    `json:"total"`
}

// salient is how many terms, rooms and entities are told of; terms are looked for in the newest memories.
const (
	salient  = 25
	readFor  = 5000
	readText = 5000
)

// MemoryInsights looks at an agent's memories of a period.
func (q *Queries) MemoryInsights(ctx context.Context, agent uuid.UUID, p Period) (Insights, error) {
	from, to := p.bounds()
	in := Insights{ByHour: make([]int, 24), ByWeekday: make([]int, 7)}
	what := fmt.Sprintf("insights of agent %s", agent)
	_, err := again(q, func() (none struct{}, err error) {
		var b pgx.Batch
		b.Queue(insightTerms, agent, from, to, readFor, readText, salient).Query(collect(&in.Terms, pgx.RowToStructByPos[Term]))
		b.Queue(`select extract(hour from created_at at time zone 'UTC')::int, extract(dow from created_at at time zone 'UTC')::int, count(*)
			from memories where agent_id = $1 and created_at >= $2 and created_at <= $3 group by 1, 2`, agent, from, to).Query(in.activity)
		b.Queue(`select m.room_id, coalesce(r.name, ''), m.count from (select room_id, count(*) from memories
			where agent_id = $1 and created_at >= $2 and created_at <= $3 group by 1 order by 2 desc, 1 limit $4) m
			left join rooms r on r.id = m.room_id order by 3 desc, 1`, agent, from, to, salient).Query(collect(&in.Rooms, pgx.RowToStructByPos[Busy]))
		b.Queue(`select m.entity_id, coalesce(e.names[1], ''), m.count from (select entity_id, count(*) from memories
			where agent_id = $1 and created_at >= $2 and created_at <= $3 group by 1 order by 2 desc, 1 limit $4) m
			left join entities e on e.id = m.entity_id order by 3 desc, 1`, agent, from, to, salient).Query(collect(&in.Entities, pgx.RowToStructByPos[Busy]))
		b.Queue(`select day, added, (sum(added) over (order by day))::bigint from (
			select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*) as added
			from memories where agent_id = $1 and created_at >= $2 and created_at <= $3 group by 1) days
			order by day desc limit $4`, agent, from, to, counted).Query(collect(&in.Growth, pgx.RowToStructByPos[Growth]))
		return none, q.pool.SendBatch(ctx, &b).Close()
	})
	slices.Reverse(in.Growth)
	return in, failed(err, what)
}

// insightTerms counts words, but for those that say nothing, each once a memory.
const insightTerms = `
with said as (
	select created_at, left(content->>'text', $5) as text from memories
	where agent_id = $1 and created_at >= $2 and created_at <= $3 order by created_at desc limit $4
), middle as (
	select min(created_at) + (max(created_at) - min(created_at)) / 2 as at from said
), words as (
	select word, created_at from said, unnest(tsvector_to_array(to_tsvector('simple', coalesce(text, '')))) as word
	where length(word) between 3 and 64 and word !~ '^[0-9.,:-]+$'
)
select word, count(*), count(*) filter (where created_at <= middle.at), count(*) filter (where created_at > middle.at),
	count(*) filter (where created_at > middle.at) - count(*) filter (where created_at <= middle.at)
from words, middle where numnode(plainto_tsquery('english', word)) > 0 group by word order by 2 desc, 1 limit $6`

func (in *Insights) activity(rows pgx.Rows) error {
	var hour, day, n int
	_, err := pgx.ForEachRow(rows, []any{&hour, &day, &n}, func() error {
		in.ByHour[hour] += n
		in.ByWeekday[day] += n
		return nil
	})
	return err
}

func collect[T any](to *[]T, row pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, row)
		return err
	}
}
