package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
)

// wanderer asks a server for whatever comes to its mind, about few things, so that they have long stories.
type wanderer struct {
	*client
	t        *testing.T
	rand     *rand.Rand
	agents   []string
	channels []string
	messages []string
	memories [][2]string // agent and memory
	rooms    [][2]string // agent and room
	worlds   [][2]string // agent and world
	servers  []string
}

// kept is how many of each kind are thought of: the oldest are forgotten.
const kept = 12

func (w *wanderer) number() string { return fmt.Sprintf("number %d of äöü", w.rand.IntN(1000)) }

func oneOf[T any](w *wanderer, all []T) (one T) {
	if len(all) > 0 {
		one = all[w.rand.IntN(len(all))]
	}
	return one
}

func remembered[T any](all []T, one T) []T {
	return append(all[max(0, len(all)-kept+1):len(all):len(all)], one)
}

// ask fails the test if the server is at a loss; that it refuses is nothing, and then the id is empty.
func (w *wanderer) ask(method, path string, body any) (id string) {
	a, err := w.call(w.t.Context(), method, path, body)
	if err != nil || a.status >= 500 {
		w.t.Errorf("%s %s: %v %d %s", method, path, err, a.status, a.body)
		return ""
	}
	if a.status >= 400 || a.status == http.StatusNoContent {
		return ""
	}
	var made struct {
		ID                  string
		Server, World, Room struct{ ID string }
	}
	if a.data(&made) != nil {
		return ""
	}
	for _, id = range []string{made.ID, made.Server.ID, made.World.ID, made.Room.ID} {
		if id != "" {
			return id
		}
	}
	return ""
}

type body = map[string]any

// step is one command.
func (w *wanderer) step() {
	agent, channel := oneOf(w, w.agents), oneOf(w, w.channels)
	memory, room, world := oneOf(w, w.memories), oneOf(w, w.rooms), oneOf(w, w.worlds)
	switch n := w.rand.IntN(100); {
	case n < 3 || len(w.agents) < 2:
		if id := w.ask("POST", "/api/agents", body{"characterJson": body{"name": w.number(), "bio": []string{w.number()}}}); id != "" {
			w.agents = remembered(w.agents, id)
		}
	case n < 6 || len(w.channels) < 2:
		others := []string{somebody, agent, oneOf(w, w.agents)}
		if id := w.ask("POST", "/api/messaging/central-channels", body{
			"name": w.number(), "server_id": defaultServer, "type": []string{"GROUP", "DM"}[n%2], "participantCentralUserIds": others[:2+n%2],
		}); id != "" {
			w.channels = remembered(w.channels, id)
		}
	case n < 40:
		if id := w.ask("POST", "/api/messaging/central-channels/"+channel+"/messages", body{
			"author_id": somebody, "server_id": defaultServer, "content": w.number(),
		}); id != "" {
			w.messages = remembered(w.messages, id)
		}
	case n < 50:
		w.ask("PATCH", "/api/messaging/messages/"+oneOf(w, w.messages), body{"content": w.number()})
	case n < 55:
		w.ask("DELETE", "/api/messaging/central-channels/"+channel+"/messages/"+oneOf(w, w.messages), nil)
	case n < 56:
		w.ask("DELETE", "/api/messaging/central-channels/"+channel+"/messages", nil)
	case n < 57:
		w.ask("DELETE", "/api/messaging/central-channels/"+channel, nil)
	case n < 60:
		w.ask("PATCH", "/api/messaging/central-channels/"+channel, body{"name": w.number()})
	case n < 63:
		w.ask("POST", "/api/messaging/central-channels/"+channel+"/agents", body{"agentId": agent})
	case n < 65:
		w.ask("DELETE", "/api/messaging/central-channels/"+channel+"/agents/"+agent, nil)
	case n < 68:
		w.ask("POST", "/api/agents/"+agent+"/"+[]string{"start", "stop"}[w.rand.IntN(2)], body{})
	case n < 71:
		w.ask("PATCH", "/api/agents/"+agent, body{"bio": []string{w.number()}, "system": w.number()})
	case n < 72:
		w.ask("DELETE", "/api/agents/"+agent, nil)
	case n < 82:
		if id := w.ask("POST", "/api/memory/"+agent+"/memories", body{"text": w.number(), "roomId": room[1]}); id != "" {
			w.memories = remembered(w.memories, [2]string{agent, id})
		}
	case n < 86:
		w.ask("PATCH", "/api/memory/"+memory[0]+"/memories/"+memory[1], body{"content": body{"text": w.number()}})
	case n < 88:
		w.ask("DELETE", "/api/memory/"+memory[0]+"/memories/"+memory[1], nil)
	case n < 89:
		w.ask("DELETE", "/api/memory/"+agent+"/memories", nil)
	case n < 91:
		if id := w.ask("POST", "/api/memory/"+agent+"/rooms", body{"name": w.number()}); id != "" {
			w.rooms = remembered(w.rooms, [2]string{agent, id})
		}
	case n < 92:
		w.ask("DELETE", "/api/memory/"+room[0]+"/memories/all/"+room[1], nil)
	case n < 94:
		if id := w.ask("POST", "/api/agents/"+agent+"/worlds", body{"name": w.number()}); id != "" {
			w.worlds = remembered(w.worlds, [2]string{agent, id})
		}
	case n < 96:
		w.ask("PATCH", "/api/agents/"+world[0]+"/worlds/"+world[1], body{"name": w.number()})
	case n < 97:
		w.ask("POST", "/api/memory/groups/"+uuid.NewString(), body{"name": w.number(), "agentIds": []string{agent}})
	case n < 98:
		if id := w.ask("POST", "/api/messaging/servers", body{"name": w.number(), "sourceType": "test"}); id != "" {
			w.servers = remembered(w.servers, id)
		}
	case n < 99:
		w.ask("POST", "/api/messaging/servers/"+oneOf(w, w.servers)+"/agents", body{"agentId": agent})
	default:
		w.ask("DELETE", "/api/messaging/servers/"+oneOf(w, w.servers), nil)
	}
}

// moment keeps what a live server's read models hold, once all of them are where the log ends, and gives the position.
func moment(t *testing.T, conn *pgx.Conn, name string) (at events.Position) {
	t.Helper()
	unsettled := errors.New("the read models are at different positions")
	eventually(t, time.Minute, "the read models are at one position", func() bool {
		err := pgx.BeginTxFunc(t.Context(), conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			var positions int
			if err := tx.QueryRow(t.Context(), `select count(distinct position), max(position) from annals.generations`).Scan(&positions, &at); err != nil {
				return err
			}
			if positions != 1 {
				return unsettled
			}
			_, err := tx.Exec(t.Context(), fmt.Sprintf(`do $$ declare t text; begin
	create schema %[1]s;
	for t in select viewname from pg_views where schemaname = '%[2]s' loop
		execute format('create table %[1]s.%%1$I as table %[2]s.%%1$I', t);
	end loop;
end $$`, name, engine.Views(projections.All())))
			return err
		})
		if err != nil && !errors.Is(err, unsettled) {
			t.Fatal(err)
		}
		return err == nil
	})
	return at
}

// alike fails the test unless every table of one schema holds the rows of the same of the other, and counts the rows.
func alike(t *testing.T, conn *pgx.Conn, was, is string) (rows int) {
	t.Helper()
	found, err := conn.Query(t.Context(), `select tablename from pg_tables where schemaname = $1 order by 1`, was)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil || len(tables) < len(projections.All()) {
		t.Fatalf("%v: tables are %v", err, tables)
	}
	for _, table := range tables {
		var n, differ int
		var example *string
		err := conn.QueryRow(t.Context(), fmt.Sprintf(`with was as (select row_to_json(r)::text r from %[1]s.%[3]s r), now as (select row_to_json(r)::text r from %[2]s.%[3]s r),
differ as ((select 'was ' || r d from (select r from was except all select r from now) _) union all (select 'is ' || r from (select r from now except all select r from was) _))
select (select count(*) from was), count(*), string_agg(left(d, 1000), E'\n') from differ`, was, is, table)).Scan(&n, &differ, &example)
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		if differ > 0 {
			t.Errorf("%s of %s differs from %s in %d rows:\n%s", table, is, was, differ, *example)
		}
		rows += n
	}
	return rows
}

func TestWhatIsRebuiltUntilARandomMomentIsWhatALiveServerHadThen(t *testing.T) {
	t.Parallel()
	commands, moments := setting("MOMENTS_COMMANDS", 300, 10_000), setting("MOMENTS", 3, 20)
	seed := uint64(setting("MOMENTS_SEED", int(time.Now().UnixNano()), int(time.Now().UnixNano())))
	t.Logf("MOMENTS_SEED=%d", seed)
	url, dir := pgtest.New(t), t.TempDir()
	s := inside(t, func(c *node.Config) { c.PostgresURL, c.DataDir = url, dir })
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	w := &wanderer{client: s.client, t: t, rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // nothing secret
	at := make([]int, moments)
	for i := range at {
		at[i] = 1 + w.rand.IntN(commands)
	}
	slices.Sort(at)
	positions, taken := make([]events.Position, moments), 0
	for n := 1; n <= commands; n++ {
		w.step()
		for ; taken < moments && at[taken] == n; taken++ {
			positions[taken] = moment(t, conn, fmt.Sprintf("live_%d", taken))
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	settings := []string{"DATA_DIR=" + dir, "POSTGRES_URL=" + url}
	rows := 0
	for i, p := range positions {
		schema := fmt.Sprintf("audit_%d", i)
		if said, err := annalsSays(t.Context(), settings, "rebuild", "--until", fmt.Sprint(p), "--into", schema); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		rows += alike(t, conn, fmt.Sprintf("live_%d", i), schema)
	}
	t.Logf("%d rows at %d moments of %d commands, up to position %d", rows, moments, commands, positions[moments-1])
}
