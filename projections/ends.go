package projections

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

// Kinds of what rows belong to.
const (
	ofAgent   = "agent"
	ofServer  = "server"
	ofChannel = "channel"
	ofWorld   = "world"
	ofRoom    = "room"
	ofMessage = "message"
	ofMemory  = "memory"
)

// ends keeps, in two tables of its projection, what rows belong to that has ended, so that what is recorded after the end of its
// parent gets no row (see commands.Life, which decides the same).
//
//	<projection>_ended: what began before the position is gone; that is the greatest there is while the parent is not there
//	<projection>_homes: the channels of servers that can end, which end with these: where in the log they were made, and made again
type ends struct {
	projection string
	ties       map[string]string // the column that has the id of a parent, by its kind
	born       string            // the column that says where in the log a row begins
	clears     []string          // the kinds whose clears remove rows
	ended      *engine.Table[ending]
	homes      *engine.Table[home] // nil unless rows belong to channels
}

// never is later than everything.
const never = events.Position(math.MaxInt64)

type ending struct {
	ID       uuid.UUID       `db:"id,key"`
	Kind     string          `db:"kind,key"`
	Position events.Position `db:"position"`
}

type home struct {
	ID       uuid.UUID       `db:"id,key"`
	ServerID uuid.UUID       `db:"server_id"`
	Made     events.Position `db:"made"`
	Remade   events.Position `db:"remade"` // 0 for one that was made once
}

func newEnds(projection, born string, ties map[string]string) ends {
	x := ends{projection: projection, born: born, ties: ties, ended: engine.NewTable[ending](projection + "_ended")}
	if ties[ofChannel] != "" {
		x.homes = engine.NewTable[home](projection+"_homes", engine.Keep("remade"))
	}
	return x
}

func (x ends) withClears(kinds ...string) ends {
	x.clears = kinds
	return x
}

func (x ends) tables() string {
	ddl := `;
create table ` + x.projection + `_ended (
	id       uuid not null,
	kind     text not null,
	position bigint not null,
	primary key (id, kind)
)`
	if x.homes != nil {
		ddl += `;
create table ` + x.projection + `_homes (
	id        uuid primary key,
	server_id uuid not null,
	made      bigint not null,
	remade    bigint not null
)`
	}
	return ddl
}

func (x ends) rows(own ...engine.Rows) []engine.Rows {
	if own = append(own, x.ended); x.homes != nil {
		own = append(own, x.homes)
	}
	return own
}

// unlessDead makes rows depend on all that they belong to.
func (x ends) unlessDead() engine.TableOption {
	var reads []engine.Read
	for kind, column := range x.ties {
		reads = append(reads, x.ended.Row(column, "'"+kind+"'"))
	}
	if x.homes != nil {
		reads = append(reads, x.homes.Row(x.ties[ofChannel]))
	}
	return engine.If(x.alive(x.ties, x.born), reads...)
}

// alive is the condition of unlessDead.
func (x ends) alive(ties map[string]string, born string) string {
	var ids, cases []string
	for _, kind := range slices.Sorted(maps.Keys(ties)) {
		ids = append(ids, "{"+ties[kind]+"}")
		cases = append(cases, fmt.Sprintf("when '%s' then {%s}", kind, ties[kind]))
	}
	which := fmt.Sprintf("id = any (array[%s]) and id = case kind %s end", strings.Join(ids, ", "), strings.Join(cases, " "))
	if len(ids) == 1 {
		which = fmt.Sprintf("id = %s and kind = '%s'", ids[0], slices.Collect(maps.Keys(ties))[0])
	}
	sql := fmt.Sprintf("not exists (select from %s_ended where %s and position > {%s})", x.projection, which, born)
	if ties[ofChannel] == "" {
		return sql
	}
	return sql + fmt.Sprintf(` and not exists (select from %[1]s_homes as home where home.id = {%[2]s} and (home.remade > {%[3]s}
	or exists (select from %[1]s_ended as server where server.id = home.server_id and server.kind = 'server' and server.position >= home.made)))`,
		x.projection, ties[ofChannel], born)
}

// apply takes note of a fact about what rows belong to. remove queues the removal of rows that began before a position: those of
// a parent of a kind that fit a condition, in which $1 is the parent's id and $2 the position.
func (x ends) apply(w engine.Writer, e events.Recorded, remove func(kind, condition string, args ...any)) {
	f, ok := lifeOf(e.Event)
	if !ok {
		return
	}
	column := x.ties[f.kind]
	switch {
	case f.kind == ofServer && x.homes != nil:
		x.serverEnded(w, f, e.Position, remove)
		return
	case column == "" || f.phase == phaseCleared && !slices.Contains(x.clears, f.kind):
		return
	}
	is := ending{f.id, f.kind, e.Position}
	switch f.phase {
	case phaseMade:
		x.ended.UpdateIf(w, is, "position = "+fmt.Sprint(int64(never)))
		if f.kind == ofChannel {
			x.settle(w, f, e.Position, remove)
		}
		return
	case phaseCleared:
		x.ended.Insert(w, is)
		x.ended.UpdateIf(w, is, "position < {position}")
	case phaseEnded:
		x.ended.Upsert(w, ending{f.id, f.kind, never})
	}
	remove(f.kind, column+" = $1 and "+x.born+" < $2", f.id, int64(e.Position)) //nolint:gosec // positions are far from the end
}

// settle notes where a channel lives. One that is made in a server that is gone ends at once.
func (x ends) settle(w engine.Writer, f lifeEvent, p events.Position, remove func(kind, condition string, args ...any)) {
	x.homes.UpdateIf(w, home{f.id, f.server, p, p}, "made < {made}")
	if f.server == events.DefaultServer { // which does not end
		return
	}
	x.homes.Upsert(w, home{f.id, f.server, p, 0})
	remove(ofChannel, x.ties[ofChannel]+" = $1 and "+x.born+" < $2 and exists (select from "+x.projection+
		"_ended where id = $3 and kind = 'server' and position = $4)", f.id, int64(p), f.server, int64(never)) //nolint:gosec // as below
}

// serverEnded is about all channels of a server, which conditions find by the server alone: nothing is moved across it.
func (x ends) serverEnded(w engine.Writer, f lifeEvent, p events.Position, remove func(kind, condition string, args ...any)) {
	const note = ` values ($1, 'server', $2) on conflict (id, kind) do update set position = excluded.position`
	switch f.phase {
	case phaseMade:
		w.Exec("update "+x.projection+"_ended set position = $2 where id = $1 and kind = 'server' and position = $3", f.id, int64(p), int64(never)) //nolint:gosec // as above
	case phaseEnded:
		w.Exec("insert into "+x.projection+"_ended (id, kind, position)"+note, f.id, int64(never))
		remove(ofChannel, x.ties[ofChannel]+" in (select id from "+x.projection+"_homes where server_id = $1) and "+x.born+" < $2", f.id, int64(p)) //nolint:gosec // as above
	}
}

// lifeEvent is a fact in the life of a parent.
type lifeEvent struct {
	kind   string
	id     uuid.UUID
	phase  phase
	server uuid.UUID // of a channel that is made
}

type phase int

const (
	phaseMade phase = iota
	phaseCleared
	phaseEnded
)

func lifeOf(fact events.Event) (lifeEvent, bool) {
	switch f := fact.(type) {
	case events.AgentCreated:
		return lifeEvent{kind: ofAgent, id: f.AgentID, phase: phaseMade}, true
	case events.AgentMemoriesCleared:
		return lifeEvent{kind: ofAgent, id: f.AgentID, phase: phaseCleared}, true
	case events.AgentDeleted:
		return lifeEvent{kind: ofAgent, id: f.AgentID, phase: phaseEnded}, true
	case events.ServerCreated:
		return lifeEvent{kind: ofServer, id: f.ServerID, phase: phaseMade}, true
	case events.ServerDeleted:
		return lifeEvent{kind: ofServer, id: f.ServerID, phase: phaseEnded}, true
	case events.ChannelCreated:
		return lifeEvent{kind: ofChannel, id: f.ChannelID, phase: phaseMade, server: f.ServerID}, true
	case events.ChannelCleared:
		return lifeEvent{kind: ofChannel, id: f.ChannelID, phase: phaseCleared}, true
	case events.ChannelDeleted:
		return lifeEvent{kind: ofChannel, id: f.ChannelID, phase: phaseEnded}, true
	case events.WorldCreated:
		return lifeEvent{kind: ofWorld, id: f.WorldID, phase: phaseMade}, true
	case events.WorldCleared:
		return lifeEvent{kind: ofWorld, id: f.WorldID, phase: phaseCleared}, true
	case events.WorldDeleted:
		return lifeEvent{kind: ofWorld, id: f.WorldID, phase: phaseEnded}, true
	case events.RoomCreated:
		return lifeEvent{kind: ofRoom, id: f.RoomID, phase: phaseMade}, true
	case events.RoomCleared:
		return lifeEvent{kind: ofRoom, id: f.RoomID, phase: phaseCleared}, true
	case events.RoomDeleted:
		return lifeEvent{kind: ofRoom, id: f.RoomID, phase: phaseEnded}, true
	case events.MessageDeleted: // it may be submitted again, and what comes of that is later
		return lifeEvent{kind: ofMessage, id: f.MessageID, phase: phaseCleared}, true
	}
	return lifeEvent{}, false
}
