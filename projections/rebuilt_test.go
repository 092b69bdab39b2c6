package projections

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"annals/events"
	"annals/events/esdb/esdbtest"
	"annals/projections/engine"
)

// shown is every row that a build with these projections reads, table by table.
func shown(t testing.TB, conn *pgx.Conn, ps []engine.Projection) map[string][]string {
	t.Helper()
	views := engine.Views(ps)
	rows, err := conn.Query(patient(t), `select viewname from pg_views where schemaname = $1`, views)
	must(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if len(tables) == 0 {
		t.Fatal("nothing is shown")
	}
	all := map[string][]string{}
	for _, name := range tables {
		rows, err := conn.Query(patient(t), fmt.Sprintf("select r::text from %s r order by 1", pgx.Identifier{views, name}.Sanitize()))
		must(t, err)
		all[name], err = pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
	}
	return all
}

// happen appends a drawn history to a log, as far as the codec accepts it.
func happen(t *rapid.T, log *esdbtest.Log) (last events.Position) {
	for range rapid.IntRange(20, 60).Draw(t, "events") {
		kind := rapid.SampledFrom(kinds()[1:]).Draw(t, "kind") // a log is opened once
		fact := reflect.New(reflect.TypeOf(kind.fact)).Elem()
		fill(t, fact)
		p, err := log.TryRecord(events.Stream(kind.noun, things.Draw(t, "stream")), instants.Draw(t, "at"), fact.Interface().(events.Event))
		if errors.Is(err, events.ErrInvalid) || errors.Is(err, events.ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	return last
}

func TestRebuiltEqualsLiveRowByRow(t *testing.T) {
	t.Parallel()
	store, url := esdbtest.New(t), database(t)
	o := engine.Options{Store: store, Postgres: url, Log: uuid.New(), Projections: All()}
	f, _ := start(t, o)
	conn := connect(t, url)
	o.Logger = f.Logger
	rounds, most := 0, 8
	if os.Getenv("ANNALS_SOAK") != "" {
		most = 25
	}
	rapid.Check(t, func(rt *rapid.T) {
		last := happen(rt, store)
		if rounds++; rounds > most {
			return // the log grows, and with it what each round costs
		}
		waitForAll(t, f, last)
		live := shown(t, conn, All())
		before := f.Status()
		must(t, engine.Rebuild(patient(t), o, nil, nil))
		eventually(t, "what was rebuilt is projected", func() bool {
			for i, s := range f.Status() {
				if s.Generation <= before[i].Generation {
					return false
				}
			}
			return true
		})
		if diff := cmp.Diff(live, shown(t, conn, All())); diff != "" {
			rt.Fatalf("rebuilt, it differs:\n%s", diff)
		}
	})
}

// What is said again comes in a batch of its own, among what is new, and beside itself in one batch.
func TestRowsThatAreThereAlreadyAreReplaced(t *testing.T) {
	t.Parallel()
	const batchEvents = 1000 // what is committed at once
	log := esdbtest.New(t)
	ids := make([]uuid.UUID, 3*batchEvents)
	for i := range ids {
		ids[i] = uuid.New()
	}
	var last events.Position
	say := func(content string, ids ...uuid.UUID) {
		for chunk := range slices.Chunk(ids, 500) {
			facts := make([]events.Event, len(chunk))
			for i, id := range chunk {
				facts[i] = events.MessageSubmitted{MessageID: id, Content: content}
			}
			last = log.Record(events.MessageStream(uuid.New()), time.Now(), facts...)
		}
	}
	say("first", ids[:2*batchEvents]...)
	say("second", ids[batchEvents:]...)
	say("third", slices.Concat(ids[:10], ids[:10])...)
	url := database(t)
	f, _ := start(t, engine.Options{Store: log, Postgres: url, Log: uuid.New(), Projections: Core()})
	waitForAll(t, f, last)
	conn, table := connect(t, url), engine.Views(Core())+".messages"
	for content, n := range map[string]int{"first": batchEvents - 10, "second": 2 * batchEvents, "third": 10} {
		if rows := number(t, conn, "select count(*) from "+table+" where content = $1", content); rows != n {
			t.Errorf("%s: %d rows instead of %d", content, rows, n)
		}
	}
}
