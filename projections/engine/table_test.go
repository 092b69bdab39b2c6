package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

type thing struct {
	ID   uuid.UUID       `db:"id,key"`
	Free json.RawMessage `db:"free,null"`
	Tags []string        `db:"tags"`
	Of   uuid.UUID       `db:"of,null"`
}

func TestZeroValuesAreNullWhereTheRowSaysSo(t *testing.T) {
	t.Parallel()
	conn := connect(t, database(t))
	_, err := conn.Exec(patient(t), `create table things (id uuid primary key, free json, tags text[] not null, of uuid)`)
	must(t, err)
	things, w := NewTable[thing]("things"), NewWriter()
	things.Upsert(w, thing{ID: uuid.Nil})
	things.Upsert(w, thing{ID: uuid.Max, Free: json.RawMessage("{}"), Tags: []string{"a"}, Of: uuid.Max})
	must(t, conn.SendBatch(patient(t), w.Batch()).Close())
	if n := number(t, conn, "select count(*) from things where id = $1 and free is null and tags = '{}' and of is null", uuid.Nil); n != 1 {
		t.Error("zero values are not null, or an empty list is")
	}
	if n := number(t, conn, "select count(*) from things where id = $1 and free::text = '{}' and tags = '{a}' and of = $1", uuid.Max); n != 1 {
		t.Error("values are not stored")
	}
}

func TestARowWithArraysIsNotJoined(t *testing.T) {
	t.Parallel()
	things, w := NewTable[thing]("things"), NewWriter()
	for n := range 2 * joinedRows {
		things.Upsert(w, thing{ID: uuid.UUID{byte(n)}})
	}
	j, q := joiner{}, pgx.Batch{}
	if j.add(&q, *w.writes) || q.Len() != 2*joinedRows {
		t.Errorf("%d statements", q.Len())
	}
}

func TestWhatDoesNotFitATableIsRefused(t *testing.T) {
	t.Parallel()
	things := NewTable[thing]("things")
	for says, describe := range map[string]func(){
		"0 columns in its key": func() {
			NewTable[struct {
				Of uuid.UUID `db:"of"`
			}]("things")
		},
		"is no column": func() {
			NewTable[struct {
				ID uuid.UUID      `db:"id,key"`
				Of map[string]any `db:"of"`
			}]("things")
		},
		"a column that is not there": func() { NewTable[thing]("things", Expression("of", "{off}")) },
		"no column \"off\"":          func() { things.Delete(NewWriter(), Where{"off": 1}) },
		"lacks columns of the key": func() {
			things.Update(NewWriter(), struct {
				Of uuid.UUID `db:"of,null"`
			}{})
		},
		"in another way": func() {
			things.Update(NewWriter(), struct {
				ID uuid.UUID `db:"id,key"`
				Of string    `db:"of,null"`
			}{})
		},
	} {
		t.Run(says, func(t *testing.T) {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, says) {
					t.Errorf("it says %q", p)
				}
			}()
			describe()
		})
	}
}
