package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Rows of three tables: one whose condition is about another, one that has an expression, and one without either.
type (
	cup struct {
		ID     uuid.UUID `db:"id,key"`
		Colour string    `db:"colour,null"`
		Filled int64     `db:"filled"`
		Made   int64     `db:"made"`
	}
	filled struct {
		ID     uuid.UUID `db:"id,key"`
		Filled int64     `db:"filled"`
	}
	painted struct {
		ID     uuid.UUID `db:"id,key"`
		Colour string    `db:"colour,null"`
	}
	plate struct {
		Table  uuid.UUID `db:"of,key"`
		Place  int64     `db:"place,key"`
		Motto  string    `db:"motto"`
		Washed bool      `db:"washed"`
	}
	engraved struct {
		Table uuid.UUID `db:"of,key"`
		Place int64     `db:"place,key"`
		Motto string    `db:"motto"`
	}
	saucer struct {
		ID     uuid.UUID `db:"id,key"`
		Kind   string    `db:"kind,key"`
		Number int64     `db:"number"`
	}
)

const dishes = `
create table cups (id uuid primary key, colour text, filled bigint not null, made bigint not null);
create table plates (of uuid, place bigint, motto text not null, washed boolean not null, primary key (of, place));
create table saucers (id uuid, kind text, number bigint not null, primary key (id, kind))`

var (
	cups = NewTable[cup]("cups", Keep("made"), If("not exists (select from saucers where number > {filled} and id = {id} and kind = 'gold')",
		saucers.Row("id", "'gold'")))
	plates  = NewTable[plate]("plates", Expression("motto", "upper({motto}) || {place}"))
	saucers = NewTable[saucer]("saucers")
)

// drawnWrites are often about the same rows.
func drawnWrites(seed, n int) Writer {
	random := rand.New(rand.NewPCG(uint64(seed), 2)) //nolint:gosec // the same each time
	w := NewWriter()
	for i := range n {
		id := uuid.UUID{15: byte(random.IntN(40))}
		number := random.Int64N(100)
		from, to := 0, 200
		switch i / 25 % 3 {
		case 0:
			to = 120 // cups
		case 1:
			from, to = 120, 193 // the others
		}
		switch k := from + random.IntN(to-from); {
		case k < 40:
			cups.Upsert(w, cup{id, fmt.Sprint(number), number, number})
		case k < 60:
			cups.Insert(w, cup{ID: id, Filled: number, Made: number})
		case k < 90:
			cups.Update(w, filled{id, number})
		case k < 120:
			cups.UpdateIf(w, painted{ID: id}, "filled < 50 and colour is distinct from {colour}")
		case k < 140:
			plates.Upsert(w, plate{id, number % 2, fmt.Sprint("m", number), number > 50})
		case k < 160:
			plates.Insert(w, plate{id, number % 2, "new", false})
		case k < 180:
			plates.Update(w, engraved{id, number % 2, fmt.Sprint("e", number)})
		case k < 193:
			saucers.Upsert(w, saucer{id, []string{"gold", "tin"}[number%2], number})
		case k == 193:
			w.Exec("update cups set filled = (select count(*) from plates where place < $1) where filled > $1", number)
		case k == 194:
			w.Exec("update cups set filled = (select max(other.filled) from cups other) - $2 where id = $1", id, number)
		case k == 195:
			plates.Delete(w, Where{"of": id})
		case k == 196:
			plates.Delete(w, Where{"of": id, "place": int64(1)})
		default:
			cups.Delete(w, Where{"id": id})
		}
	}
	return w
}

func TestWritesThatAreJoinedDoWhatTheyDoOneByOne(t *testing.T) {
	t.Parallel()
	single, joined := connect(t, database(t)), connect(t, database(t))
	for _, conn := range []*pgx.Conn{single, joined} {
		_, err := conn.Exec(patient(t), dishes)
		must(t, err)
	}
	j := joiner{careful: true}
	for round := range 100 {
		var many pgx.Batch
		if !j.add(&many, *drawnWrites(round, 100).writes) {
			t.Fatal("nothing was joined")
		}
		must(t, joined.SendBatch(patient(t), &many).Close())
		must(t, single.SendBatch(patient(t), drawnWrites(round, 100).Batch()).Close())
		for _, table := range []string{"cups", "plates", "saucers"} {
			if want, got := textOf(t, single, table), textOf(t, joined, table); !slices.Equal(want, got) {
				t.Fatalf("round %d: %s\none by one %v\njoined     %v", round, table, want, got)
			}
		}
	}
}

func textOf(t *testing.T, conn *pgx.Conn, table string) []string {
	t.Helper()
	rows, _ := conn.Query(t.Context(), "select r::text from "+table+" r order by 1") // its error is that of the rows
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if len(all) == 0 {
		t.Fatal(table, "is empty")
	}
	return all
}

// What is stored is followed by its vector each time.
func TestWritesInTurnsAreJoined(t *testing.T) {
	t.Parallel()
	w := NewWriter()
	for n := range 100 {
		plates.Upsert(w, plate{Place: int64(n)})
		plates.Update(w, engraved{Place: int64(n), Motto: "blue"})
		saucers.Insert(w, saucer{ID: uuid.UUID{byte(n)}})
	}
	if n := stretch(*w.writes); n != 300 {
		t.Errorf("a stretch of %d", n)
	}
	if n := len(runs(*w.writes)); n != 3 {
		t.Errorf("%d runs", n)
	}
}

func TestWhatAnInsertDependsOnIsNotExchangedWithIt(t *testing.T) {
	t.Parallel()
	a, b := uuid.UUID{1}, uuid.UUID{2}
	insert := func(id uuid.UUID) func(Writer) { return func(w Writer) { cups.Upsert(w, cup{ID: id}) } }
	write := func(id uuid.UUID, kind string) func(Writer) {
		return func(w Writer) { saucers.Upsert(w, saucer{ID: id, Kind: kind}) }
	}
	for _, c := range []struct {
		writes []func(Writer)
		runs   []int // their lengths
	}{
		{[]func(Writer){insert(a), write(a, "gold"), insert(b)}, []int{2, 1}},
		{[]func(Writer){insert(a), write(a, "gold"), insert(a)}, []int{1, 1, 1}},
		{[]func(Writer){insert(b), write(a, "gold"), insert(a)}, []int{1, 1, 1}},
		{[]func(Writer){write(b, "gold"), insert(a), write(a, "gold")}, []int{1, 1, 1}},
		{[]func(Writer){write(a, "gold"), insert(a), write(b, "gold"), insert(b)}, []int{2, 2}},
		{[]func(Writer){write(b, "gold"), insert(a), write(a, "tin")}, []int{2, 1}},
	} {
		w := NewWriter()
		for _, add := range c.writes {
			add(w)
		}
		var lengths []int
		for _, run := range runs(*w.writes) {
			lengths = append(lengths, len(run))
		}
		if !slices.Equal(lengths, c.runs) {
			t.Errorf("runs of %d instead of %d", lengths, c.runs)
		}
	}
}

func TestExecCommutesWithNothing(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]func(Writer){
		{func(w Writer) { w.Exec("select 1") }, func(w Writer) { saucers.Upsert(w, saucer{}) }},
		{func(w Writer) { saucers.Upsert(w, saucer{}) }, func(w Writer) { saucers.Delete(w, Where{"number": int64(1)}) }},
	} {
		w := NewWriter()
		order[0](w)
		order[1](w)
		if n := stretch(*w.writes); n != 1 {
			t.Errorf("%s and %s are a stretch", (*w.writes)[0].one, (*w.writes)[1].one)
		}
	}
}
