package queries_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

func TestTmp(t *testing.T) {
	g, c := start(t), newCorpus(100_000)
	g.happened(events.MemoryStream(id(101)), stored(memory{id: 101, agent: otto, text: "The tables are there."}))
	c.store(t, g.pool)
	half := dawn.Add(clusters / 2 * time.Minute)
	type q struct{ v string; want, wantAll []uuid.UUID }
	var qs []q
	for i := range 40 {
		v := c.draw(i%2 == 0, c.random.IntN(clusters/2))
		qs = append(qs, q{strings.ReplaceAll(fmt.Sprint(v), " ", ","), c.nearest(v, 10, func(i int) bool { return !c.at[i].Before(half) }), c.nearest(v, 10, func(i int) bool { return i%2 == 0 })})
	}
	for _, order := range []string{"strict_order", "relaxed_order"} {
		for _, effort := range []int{100, 200, 400, 800} {
			for _, over := range []int{10, 20, 40, 80} {
				if order == "strict_order" && over > 10 { continue }
				for k, cond := range []string{"created_at >= $2", "collection = 'facts' and $2::timestamptz is not null"} {
				found := [2]int{}
				var took []time.Duration
				for i, x := range qs {
					var b pgx.Batch
					for _, set := range [][2]string{{"hnsw.iterative_scan", order}, {"hnsw.ef_search", strconv.Itoa(effort)}, {"hnsw.max_scan_tuples", "100000"}} {
						b.Queue(`select set_config($1, $2, true)`, set[0], set[1])
					}
					var ids []uuid.UUID
					b.Queue(`select id from (select id, (embedding::vector(384) <=> $3::text::vector(384)) as d from vectors where agent_id = $1 and `+cond+` and dimensions = 384 and model = any($4) order by embedding::vector(384) <=> $3::text::vector(384) limit $5) x order by d limit 10`,
						id(iris), half, x.v, []string{model, "given"}, over).Query(func(rows pgx.Rows) (err error) { ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); return err })
					begun := time.Now()
					must(t, g.pool.SendBatch(t.Context(), &b).Close())
					took = append(took, time.Since(begun))
					want := x.want
					if k == 1 { want = x.wantAll }
					for _, h := range ids { if slices.Contains(want, h) { found[i%2]++ } }
				}
				slices.Sort(took)
				t.Logf("%s ef %d over %d cond %d: clustered %.3f sentences %.3f p50 %v p90 %v", order, effort, over, k, float64(found[0])/200, float64(found[1])/200, took[20], took[36])
				}
			}
		}
	}
}
