package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// Statements of two tables, of one whose condition is about a third, and of some that look at more than their row.
const (
	putCup = `insert into cups (id, colour, filled) select $1, $2, $3 where not exists (select from saucers where number > $3::int)
on conflict (id) do update set (colour, filled) = (excluded.colour, excluded.filled)`
	fillCup    = `update cups set filled = filled + $2 where id = $1`
	paintCup   = `update cups set colour = $2 where id = $1 and filled < 50`
	putPlate   = `insert into plates (id, size) values ($1, $2) on conflict (id) do update set size = excluded.size`
	growPlate  = `update plates set size = size * 2 + $2 where id = $1`
	putSaucer  = `insert into saucers (id, number) values ($1, $2) on conflict (id) do update set number = excluded.number`
	matchCup   = `update cups set filled = (select count(*) from plates where size > $2) where id = $1`
	topUp      = `update cups set filled = (select max(other.filled) from cups other) - $2 where id = $1`
	levelCups  = `update cups set filled = $1 where filled > $2`
	breakPlate = `delete from plates where id = $1`
)

func queued(seed, n int) Writer {
	random := rand.New(rand.NewPCG(uint64(seed), 2)) //nolint:gosec // the same each time
	w := NewWriter()
	for range n {
		var id uuid.UUID
		id[15] = byte(random.IntN(40))
		number := random.IntN(100)
		switch k := random.IntN(200); {
		case k < 50:
			w.Exec(putCup, id, fmt.Sprint(number), number)
		case k < 100:
			w.Exec(fillCup, id, number)
		case k < 140:
			w.Exec(paintCup, id, fmt.Sprint(number))
		case k < 170:
			w.Exec(putPlate, id, number)
		case k < 195:
			w.Exec(growPlate, id, number%3)
		case k == 195:
			w.Exec(putSaucer, id, number)
		case k == 196:
			w.Exec(matchCup, id, number)
		case k == 197:
			w.Exec(levelCups, number, 1000)
		case k == 198:
			w.Exec(topUp, id, number)
			w.Exec(topUp, uuid.UUID{15: id[15] + 1}, number)
			w.Exec(topUp, uuid.UUID{15: id[15] + 2}, number)
			w.Exec(topUp, uuid.UUID{15: id[15] + 3}, number)
		default:
			w.Exec(breakPlate, id)
		}
	}
	return w
}

func TestStatementsThatAreJoinedDoWhatTheyDoOneByOne(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, pgtest.New(t))
		must(t, err)
		t.Cleanup(func() { disconnect(ctx, conn) })
		_, err = conn.Exec(ctx, `create table cups (id uuid primary key, colour text, filled int);
			create table plates (id uuid primary key, size bigint); create table saucers (id uuid primary key, number int)`)
		must(t, err)
		return conn
	}
	single, joined := connect(), connect()
	b := newBulk(joined)
	for _, table := range []string{"cups", "plates", "saucers"} {
		b.conflicts[table] = true
	}
	for round := range 50 {
		var many pgx.Batch
		_, err := b.add(ctx, &many, *queued(round, 100).writes)
		must(t, err)
		must(t, joined.SendBatch(ctx, &many).Close())
		must(t, single.SendBatch(ctx, queued(round, 100).Batch()).Close())
		for _, table := range []string{"cups", "plates", "saucers"} {
			if want, got := textOf(t, single, table), textOf(t, joined, table); !slices.Equal(want, got) {
				t.Fatalf("round %d: %s\none by one %v\njoined     %v", round, table, want, got)
			}
		}
	}
}

// What is stored is followed by its vector each time.
func TestStatementsInTurnsAreJoined(t *testing.T) {
	t.Parallel()
	b := newBulk(nil)
	w := NewWriter()
	for n := range 100 {
		w.Exec(putCup, uuid.UUID{byte(n)}, "blue", n)
		w.Exec(fillCup, uuid.UUID{byte(n)}, n)
		w.Exec(putPlate, uuid.UUID{byte(n)}, n)
	}
	if n := b.stretch(*w.writes); n != 300 {
		t.Errorf("a stretch of %d", n)
	}
	if n := len(b.runs(*w.writes)); n != 3 {
		t.Errorf("%d runs", n)
	}
}
