package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"annals/events"
	"annals/projections/engine"
)

// kind is a type of event that is drawn, and the noun of its stream.
type kind struct {
	noun string
	fact events.Event
}

// kinds are all there are.
func kinds() (all []kind) {
	for _, e := range events.Catalogue() {
		name := e.EventType()
		end := 1 + strings.IndexFunc(name[1:], unicode.IsUpper)
		all = append(all, kind{strings.ToLower(name[:end]), e})
	}
	return all
}

// things are few, so that histories are about the same ones.
var things = rapid.SampledFrom([]uuid.UUID{
	uuid.Nil, uuid.Max, events.StringToUUID("a"), events.StringToUUID("b"), events.StringToUUID("c"),
})

var (
	odd = rapid.SampledFrom([]string{
		"", " ", "\t\n\r", `\`, `\x00`, `'; drop table messages; --`, "$1", "{}", "null", "NaN", "\u0001\u001f", "\u007f\u0085",
		"\u2028\u2029", "\ufeff", "\ufffd\uffff", "\U0010ffff", "e\u0301", "\u202eabc", "👩‍👩‍👧", "ｆｕｌｌ", "\ue000",
	})
	refused = rapid.SampledFrom([]string{"\u0000", "a\xff", "\xed\xa0\x80"})
	texts   = rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 99).Draw(t, "refused") == 99 {
			return refused.Draw(t, "text")
		}
		return strings.ReplaceAll(accepted.Draw(t, "text"), "\x00", "")
	})
	accepted = rapid.OneOf(odd, rapid.String(), rapid.Just("plain"), rapid.Custom(func(t *rapid.T) string {
		most := rapid.SampledFrom([]int{10, 100, 1000, 10000, events.MaxSize / 2}).Draw(t, "most")
		unit := odd.Draw(t, "unit")
		return strings.Repeat(unit, rapid.IntRange(0, most).Draw(t, "size")/max(len(unit), 1))
	}))
	figures = rapid.SampledFrom([]string{
		"0", "-0", "1e308", "-1.7976931348623157e308", "5e-324", "1e-400", "0.1", "123456789012345678901234567890", "1E+2",
	})
)

// anyJSON is odd, now and then not even acceptable.
func anyJSON(t *rapid.T) json.RawMessage {
	if rapid.IntRange(0, 99).Draw(t, "refused") == 99 {
		return json.RawMessage(rapid.SampledFrom([]string{`"\u0000"`, `{"\u0000":1}`, "{", `{"a":1}x`, "1e400"}).Draw(t, "JSON"))
	}
	switch rapid.IntRange(0, 7).Draw(t, "form") {
	case 0:
		return nil
	case 1:
		return json.RawMessage(figures.Draw(t, "number"))
	case 2:
		depth := rapid.IntRange(2, events.MaxDepth).Draw(t, "depth")
		return json.RawMessage(strings.Repeat(`{"a":[`, depth/2) + "1" + strings.Repeat("]}", depth/2))
	case 3:
		return json.RawMessage(rapid.SampledFrom([]string{
			"null", "true", `"\ud800"`, `"\udc00\ud800"`, ` {"a" : 1 , "a":2} `, `{"":{}}`, "[]", `""`,
			`{"thought":null,"actions":{}}`, `"{\"thought\":1}"`, `["first","second"]`, `[1]`,
		}).Draw(t, "special"))
	default:
		text, err := json.Marshal(map[string]string{texts.Draw(t, "key"): texts.Draw(t, "value")})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// fill draws a value for every field of an event.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[uuid.UUID]():
		v.Set(reflect.ValueOf(things.Draw(t, "id")))
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes(anyJSON(t))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(instants.Draw(t, "time")))
		return
	case reflect.TypeFor[events.Secret]():
		v.Set(reflect.ValueOf(events.NewSecret(anyJSON(t))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts.Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "count"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1e6, 1e6).Draw(t, "measure"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Uint8().Draw(t, "byte")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 1<<40).Draw(t, "number"))
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "keys") {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(t, value)
			v.SetMapIndex(reflect.ValueOf(texts.Draw(t, "key")), value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no way to draw a %s", v.Type())
	}
}

var instants = rapid.Custom(func(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "second"), rapid.Int64Range(0, 999999999).Draw(t, "nanosecond"))
})

// drawn is what the codec accepts, as it comes back from it; now and then from one that has no keys any more. What is there is
// not created again, which a command refuses: with another parent that is deleted later, it would come back as the first's.
func drawn(t *rapid.T, codec, keyless *events.Codec) []events.Recorded {
	var all []events.Recorded
	there := map[string]bool{}
	for i := range rapid.IntRange(8, 20).Draw(t, "events") {
		kind := rapid.SampledFrom(kinds()).Draw(t, "kind")
		fact := reflect.New(reflect.TypeOf(kind.fact)).Elem()
		fill(t, fact)
		if m, ok := fact.Addr().Interface().(*events.MemoryStored); ok {
			m.Said %= events.Position(i + 1) // what was said was said before
		}
		at := instants.Draw(t, "at")
		encoded, err := codec.Encode(context.Background(), events.Proposed{
			ID: uuid.New(), Event: fact.Interface().(events.Event), Meta: events.Metadata{At: at},
		})
		if errors.Is(err, events.ErrInvalid) || errors.Is(err, events.ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		reader := codec
		if rapid.IntRange(0, 9).Draw(t, "erased") == 9 {
			reader = keyless
		}
		recorded, err := reader.Decode(context.Background(), events.Raw{
			Encoded: encoded, Stream: events.Stream(kind.noun, things.Draw(t, "stream")), Revision: uint64(i), Position: events.Position(i + 1),
		})
		if err != nil {
			t.Fatal(err)
		}
		if u, ok := recorded.Event.(events.Unknown); ok {
			t.Fatalf("the codec does not read what it wrote: %v", u.Reason)
		}
		if id := created(recorded.Event); id != "" {
			if there[id] {
				continue
			}
			there[id] = true
		}
		delete(there, deleted(recorded.Event))
		all = append(all, recorded)
	}
	return all
}

// created names what a fact creates that has parents.
func created(fact events.Event) string {
	switch f := fact.(type) {
	case events.ChannelCreated:
		return "channel " + f.ChannelID.String()
	case events.MessageSubmitted:
		return "message " + f.MessageID.String()
	case events.MemoryStored:
		return "memory " + f.MemoryID.String()
	case events.WorldCreated:
		return "world " + f.WorldID.String()
	case events.RoomCreated:
		return "room " + f.RoomID.String()
	case events.EntitySeen:
		return "entity " + f.EntityID.String()
	case events.FileUploaded:
		return "file " + f.FileID.String()
	case events.LogRecorded:
		return "log " + f.LogID.String()
	}
	return ""
}

// deleted names what a fact deletes by itself.
func deleted(fact events.Event) string {
	switch f := fact.(type) {
	case events.ChannelDeleted:
		return "channel " + f.ChannelID.String()
	case events.MessageDeleted:
		return "message " + f.MessageID.String()
	case events.MemoryDeleted:
		return "memory " + f.MemoryID.String()
	case events.WorldDeleted:
		return "world " + f.WorldID.String()
	case events.RoomDeleted:
		return "room " + f.RoomID.String()
	case events.FileDeleted:
		return "file " + f.FileID.String()
	case events.LogDeleted:
		return "log " + f.LogID.String()
	}
	return ""
}

// shelf is the tables and indexes of one database, without a feed.
type shelf struct{ conn *pgx.Conn }

func newShelf(t *testing.T) shelf {
	conn := connect(t, database(t))
	for _, p := range All() {
		execute(t, conn, p.Tables)
		execute(t, conn, p.Indexes)
	}
	return shelf{conn}
}

func (b shelf) apply(t *rapid.T, all []events.Recorded) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w := engine.NewWriter()
	for _, e := range all {
		for _, p := range All() {
			p.Apply(w, e)
		}
	}
	if err := b.conn.SendBatch(ctx, w.Batch()).Close(); err != nil {
		t.Fatal(err)
	}
}

func execute(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.Exec(patient(t), sql, pgx.QueryExecModeSimpleProtocol)
	must(t, err)
}

// tablesIn names the tables of a database that has no read models but those that a test has made.
func tablesIn(t rapid.TB, conn *pgx.Conn) []string {
	rows, err := conn.Query(context.Background(), `select tablename from pg_tables where schemaname = 'public' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func (b shelf) empty(t *rapid.T) {
	var q pgx.Batch
	for _, name := range tablesIn(t, b.conn) {
		q.Queue("delete from " + name)
	}
	if err := b.conn.SendBatch(context.Background(), &q).Close(); err != nil {
		t.Fatal(err)
	}
}

func (b shelf) rows(t *rapid.T) map[string][]string {
	all := map[string][]string{}
	for _, name := range tablesIn(t, b.conn) {
		rows, err := b.conn.Query(context.Background(), fmt.Sprintf("select md5(r::text) || left(r::text, 300) from %s r order by 1", name))
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestEveryEventThatTheCodecAcceptsPassesEveryProjectionAndTwiceIsOnce(t *testing.T) {
	t.Parallel()
	var codecs [2]*events.Codec
	for i := range codecs {
		keys, err := events.NewFileKeys(t.TempDir())
		must(t, err)
		codecs[i] = events.NewCodec(keys)
	}
	b := newShelf(t)
	rapid.Check(t, func(t *rapid.T) {
		all := drawn(t, codecs[0], codecs[1])
		b.empty(t)
		b.apply(t, all)
		once := b.rows(t)
		b.apply(t, all)
		if diff := cmp.Diff(once, b.rows(t)); diff != "" {
			t.Fatalf("applied again, it differs:\n%s", diff)
		}
	})
}
