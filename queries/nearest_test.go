package queries_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
	"annals/queries"
	"annals/transport/models/hashing"
)

// corpus is a seeded set of vectors of an agent: half of them lie in clusters, half are hashed sentences. Every second is
// of one table, every hundredth of one room, every thousandth of one entity; time passes from cluster to cluster.
type corpus struct {
	random  *rand.Rand
	centres [][]float32
	vectors [][]float32
	at      []time.Time
}

const clusters = 1000

func newCorpus(n int) *corpus {
	c := &corpus{random: rand.New(rand.NewPCG(6, 384))}
	for range clusters {
		c.centres = append(c.centres, c.near(make([]float32, hashing.Dimensions), 1))
	}
	for i := range n {
		kind := c.random.IntN(clusters)
		c.vectors = append(c.vectors, c.draw(i%4 < 2, kind))
		c.at = append(c.at, dawn.Add(time.Duration(kind)*time.Minute))
	}
	return c
}

// draw is a vector as those of the corpus are.
func (c *corpus) draw(clustered bool, kind int) []float32 {
	if clustered {
		return c.near(c.centres[kind], 0.05)
	}
	words := strings.Fields(`the green tea kitchen harbour walk old piano cat sleeps train leaves station morning letter garden window
		friend paints boat river music answers question number colour small house river winter bread street lamp market`)
	var said []string
	for range 6 + c.random.IntN(10) {
		said = append(said, words[c.random.IntN(len(words))])
	}
	return hashing.Vector(fmt.Sprintf("%s %d", strings.Join(said, " "), kind))
}

// near is a unit vector around another.
func (c *corpus) near(centre []float32, spread float64) []float32 {
	v, length := make([]float32, len(centre)), 0.0
	for i := range v {
		v[i] = centre[i] + float32(spread*c.random.NormFloat64())
		length += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(length))
	}
	return v
}

// store fills the table beside the projection, and builds the index over all, as a rebuild does.
func (c *corpus) store(t *testing.T, pool *pgxpool.Pool) (index string) {
	t.Helper()
	ctx := t.Context()
	var table, definition string
	must(t, pool.QueryRow(ctx, `select format('%I.%I', schemaname, tablename), format('%I.%I', schemaname, indexname), indexdef from pg_indexes
		where tablename = 'vectors' and indexdef like '%hnsw%(384)%'`).Scan(&table, &index, &definition))
	_, err := pool.Exec(ctx, "drop index "+index)
	must(t, err)
	for from := 0; from < len(c.vectors); from += 1000 {
		var (
			ids, rooms, entities []uuid.UUID
			tables, texts        []string
		)
		to := min(from+1000, len(c.vectors))
		for i := from; i < to; i++ {
			ids = append(ids, numbered(i))
			tables = append(tables, []string{"facts", "messages"}[i%2])
			rooms, entities = append(rooms, numbered(i%100)), append(entities, numbered(i%1000))
			texts = append(texts, fmt.Sprint(c.vectors[i]))
		}
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], " ", ",")
		}
		_, err := pool.Exec(ctx, `insert into `+table+` (id, agent_id, room_id, entity_id, collection, created_at, since, hash, words, length, model, dimensions, embedding)
			select id, $1, room, entity, collection, at, 1, '', '', 0, $2, 384, embedding::vector
			from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[]) as row (id, room, entity, collection, at, embedding)`,
			id(iris), model, ids, rooms, entities, tables, c.at[from:to], texts)
		must(t, err)
	}
	begun := time.Now()
	_, err = pool.Exec(ctx, "set statement_timeout = 0; set maintenance_work_mem = '512MB'; "+definition+"; analyze "+table+"; reset statement_timeout")
	must(t, err)
	t.Logf("%d vectors: index built in %v", len(c.vectors), time.Since(begun).Round(time.Millisecond))
	return index
}

func numbered(i int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(i), byte(i >> 8), byte(i >> 16)})
}

// nearest are the ids of the n nearest of those that are kept, by comparing each.
func (c *corpus) nearest(to []float32, n int, kept func(i int) bool) []uuid.UUID {
	type one struct {
		i        int
		distance float64
	}
	var all []one
	for i, v := range c.vectors {
		if kept(i) {
			product := 0.0
			for k := range v {
				product += float64(v[k]) * float64(to[k])
			}
			all = append(all, one{i, -product})
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.distance < b.distance {
			return -1
		}
		return 1
	})
	var ids []uuid.UUID
	for _, o := range all[:min(n, len(all))] {
		ids = append(ids, numbered(o.i))
	}
	return ids
}

// asked notes the last batch that searched by the index.
type asked struct {
	batch []*pgx.QueuedQuery
}

func (a *asked) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	if last := d.Batch.QueuedQueries[len(d.Batch.QueuedQueries)-1]; strings.Contains(last.SQL, "<=>") {
		a.batch = d.Batch.QueuedQueries
	}
	return ctx
}

func (a *asked) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (a *asked) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// TraceQueryStart and TraceQueryEnd are what makes it a tracer.
func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (a *asked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// plan is how PostgreSQL does what was asked last.
func (a *asked) plan(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var (
		b    pgx.Batch
		plan []string
	)
	for i, q := range a.batch {
		if i < len(a.batch)-1 {
			b.Queue(q.SQL, q.Arguments...)
			continue
		}
		b.Queue("explain "+q.SQL, q.Arguments...).Query(func(rows pgx.Rows) (err error) {
			plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	}
	must(t, pool.SendBatch(t.Context(), &b).Close())
	return strings.Join(plan, "\n")
}

func TestTheIndexFindsTheNearestWhateverIsFilteredOut(t *testing.T) {
	size, searches := 10_300, 20
	if os.Getenv("ANNALS_SOAK") != "" {
		size, searches = 100_000, 100
	}
	g, c := start(t), newCorpus(size)
	g.happened(events.MemoryStream(id(101)), stored(memory{id: 101, agent: otto, text: "The tables are there."}))
	index := c.store(t, g.pool)

	last := &asked{}
	config := g.pool.Config()
	config.MaxConns, config.ConnConfig.Tracer = 1, last // one connection: its statements get plans for any arguments
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	t.Cleanup(pool.Close)
	q := queries.New(pool)

	half := dawn.Add(clusters / 2 * time.Minute)
	for _, filter := range []struct {
		name    string
		set     func(*queries.Search)
		kept    func(i int) bool
		indexed bool
		least   float64 // recall
	}{
		{"all", func(*queries.Search) {}, func(int) bool { return true }, true, 0.95},
		{"50 %", func(s *queries.Search) { s.Table = "facts" }, func(i int) bool { return i%2 == 0 }, true, 0.95},
		{"50 %, where others are nearest", func(s *queries.Search) { s.From = half }, func(i int) bool { return !c.at[i].Before(half) }, false, 0.95},
		{"1 %", func(s *queries.Search) { s.Room = numbered(7) }, func(i int) bool { return i%100 == 7 }, false, 0.95},
		{"0.1 %", func(s *queries.Search) { s.Entity = numbered(7) }, func(i int) bool { return i%1000 == 7 }, false, 0.95},
	} {
		t.Run(filter.name, func(t *testing.T) {
			before := scans(t, pool, index)
			found, due := 0, 0
			var took []time.Duration
			for i := range searches {
				s := queries.Search{Agent: id(iris), Meaning: queries.Meaning{Model: model, Vector: c.draw(i%2 == 1, c.random.IntN(clusters/2))}, Limit: 10}
				filter.set(&s)
				begun := time.Now()
				hits, err := q.Find(t.Context(), s)
				must(t, err)
				took = append(took, time.Since(begun))
				want := c.nearest(s.Vector, 10, filter.kept)
				if len(hits) != len(want) {
					t.Fatalf("%d hits where %d exist", len(hits), len(want))
				}
				for _, h := range hits {
					if slices.Contains(want, h.ID) {
						found++
					}
				}
				due += len(want)
			}
			slices.Sort(took)
			t.Logf("recall@10 %.4f, p50 %v, p99 %v", float64(found)/float64(due), took[len(took)/2], took[len(took)*99/100])
			if float64(found) < filter.least*float64(due) {
				t.Errorf("%d of %d are found", found, due)
			}
			plan := last.plan(t, pool)
			if uses := strings.Contains(plan, "Index Scan using "+index[strings.IndexByte(index, '.')+1:]); uses != filter.indexed {
				t.Errorf("the plan is\n%s", plan)
			}
			if n := scans(t, pool, index) - before; filter.indexed && n < searches {
				t.Errorf("the index was used %d times in %d searches", n, searches)
			}
		})
	}
}

// scans tells how often an index was used.
func scans(t *testing.T, pool *pgxpool.Pool, index string) (n int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), "select pg_stat_force_next_flush()")
	must(t, err)
	must(t, pool.QueryRow(t.Context(), "select idx_scan from pg_stat_all_indexes where indexrelid = $1::text::regclass", index).Scan(&n))
	return n
}
