package projections

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"annals/commands/livestest"
	"annals/events"
	"annals/events/esdb/esdbtest"
	"annals/projections/engine"
)

// rowsOf are the conditions on the rows of each thing of a history, by table.
var rowsOf = map[string]map[string]string{
	"channel": {"channels": "id = $1"}, "world": {"worlds": "id = $1"}, "room": {"rooms": "id = $1"}, "message": {"messages": "id = $1"},
	"entity": {"entities": "id = $1"}, "memory": {"memories": "id = $1", "vectors": "id = $1"}, "note": {"memories": "id = $1", "vectors": "id = $1"},
	"file of the channel": {"files": "id = $1 and gone is null"}, "file of the agent": {"files": "id = $1 and gone is null"},
	"membership": {"server_agents": "agent_id = $1"}, "occupant": {"occupants": "room_id = $1"}, "session": {"sessions": "id = $1"},
}

// foundBy are the things whose id the rows have of others.
var foundBy = map[string]string{"membership": "agent", "occupant": "room"}

func count(t rapid.TB, conn *pgx.Conn, table, condition string, id uuid.UUID) (n int) {
	t.Helper()
	sql := "select count(*) from " + pgx.Identifier{engine.Views(All()), table}.Sanitize() + " where " + condition
	if err := conn.QueryRow(context.Background(), sql, id).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The commands' half is in commands/life_test.go.
func TestWhatComesAfterTheEndOfItsParentHasNoRow(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	o := engine.Options{Store: log, Postgres: database(t), Log: uuid.New(), Projections: All()}
	f, _ := start(t, o)
	conn := connect(t, o.Postgres)
	rapid.Check(t, func(rt *rapid.T) {
		l := livestest.New(log)
		steps := map[string]func(*rapid.T){}
		for name, step := range l.Steps() {
			steps[name] = func(*rapid.T) { step() }
		}
		rt.Repeat(steps)
		waitForAll(t, f, l.Last())
		for _, what := range livestest.Mortal {
			want := 0
			if l.Alive(what) {
				want = 1
			}
			for table, condition := range rowsOf[what] {
				if n := count(rt, conn, table, condition, l.ID(cmp.Or(foundBy[what], what))); n != want {
					rt.Errorf("the %s: %d rows in %s, not %d", what, n, table, want)
				}
			}
		}
	})
	same(t, o)
}

// same fails the test where the rows are not what a rebuild makes.
func same(t *testing.T, o engine.Options) {
	t.Helper()
	o.Logger = nil
	c, err := engine.Verify(patient(t), o, func(said string) { t.Error("rebuilt, it differs: ", said) }, nil)
	must(t, err)
	if c.Rows == 0 {
		t.Error("nothing was compared")
	}
}

// What no command decides about has no row either.
func TestWhatBelongsToTheDeadHasNoRow(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	o := engine.Options{Store: log, Postgres: database(t), Log: uuid.New(), Projections: All()}
	f, _ := start(t, o)
	conn := connect(t, o.Postgres)
	id := uuid.New
	server, channel, agent, person, room, document := id(), id(), id(), id(), id(), id()
	entry, fragment, late := id(), id(), id()
	var last events.Position
	record := func(s events.StreamID, all ...events.Event) { last = log.Record(s, time.Now(), all...) }
	remember := func(memory, of uuid.UUID, table string) {
		record(events.MemoryStream(memory), events.MemoryStored{MemoryID: memory, AgentID: agent, RoomID: room, Table: table, DocumentID: of, Content: []byte("{}")})
	}
	record(events.ServerStream(server), events.ServerCreated{ServerID: server})
	record(events.AgentStream(agent), events.AgentCreated{AgentID: agent})
	record(events.RoomStream(room), events.RoomCreated{RoomID: room, AgentID: agent})
	record(events.ChannelStream(channel), events.ChannelCreated{ChannelID: channel, ServerID: server, Participants: []uuid.UUID{person}})
	remember(document, uuid.Nil, events.TableDocuments)
	remember(fragment, document, events.TableKnowledge)
	record(events.AgentLogStream(entry), events.LogRecorded{LogID: entry, AgentID: agent})
	holds := func(when string, want int) {
		t.Helper()
		waitForAll(t, f, last)
		for table, of := range map[string]struct {
			condition string
			id        uuid.UUID
		}{
			"participants": {"channel_id = $1", channel}, "logs": {"agent_id = $1", agent}, "memories": {"document_id = $1", document},
			"vectors": {"document_id = $1", document}, "occupants": {"room_id = $1", room}, "server_agents": {"agent_id = $1", agent},
		} {
			if n := count(t, conn, table, of.condition, of.id); n != want {
				t.Errorf("%s: %d rows in %s, not %d", when, n, table, want)
			}
		}
	}
	record(events.RoomStream(room), events.RoomJoined{RoomID: room, AgentID: agent, EntityID: person})
	record(events.ServerStream(server), events.AgentJoinedServer{ServerID: server, AgentID: agent})
	holds("before", 1)
	record(events.RoomStream(room), events.RoomCleared{RoomID: room, AgentID: agent})
	record(events.RoomStream(room), events.RoomDeleted{RoomID: room, AgentID: agent})
	record(events.AgentStream(agent), events.AgentDeleted{AgentID: agent})
	record(events.ServerStream(server), events.ServerDeleted{ServerID: server})
	comesLate := func() {
		record(events.ChannelStream(channel), events.ParticipantJoined{ChannelID: channel, ParticipantID: id()})
		remember(id(), document, events.TableKnowledge)
		record(events.RoomStream(room), events.RoomJoined{RoomID: room, AgentID: agent, EntityID: id()})
	}
	comesLate()
	record(events.AgentLogStream(late), events.LogRecorded{LogID: late, AgentID: agent})
	record(events.ServerStream(server), events.AgentJoinedServer{ServerID: server, AgentID: agent})
	holds("after the end", 0)
	record(events.AgentStream(agent), events.AgentCreated{AgentID: agent})
	record(events.ServerStream(server), events.ServerCreated{ServerID: server})
	comesLate()
	holds("when the agent and the server are there again", 0)
	same(t, o)
}
