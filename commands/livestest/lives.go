// Package livestest has random histories of parents and children, and says what is alive after them.
package livestest

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

// Lives is a random log of parents and children, as several nodes may record it: each stream makes sense by itself, in any order
// beside the others. What is alive is kept beside it, step by step: the end of a parent kills what is there, and what comes
// while it is gone is dead at once.
type Lives struct {
	log                                 *esdbtest.Log
	ids                                 uuid.UUID       // those of this history are derived from it
	last                                events.Position // the newest fact
	server, channel, agent, world, room parent
	channelRecorded                     bool // and not deleted since
	children                            map[string]*child
	said                                events.Position // the newest message
}

// Mortal are the things that a history may end with.
var Mortal = []string{"channel", "world", "room", "message", "entity", "memory", "note", "file of the channel", "file of the agent", "membership", "occupant", "session"}

// New begins a history on a log.
func New(log *esdbtest.Log) *Lives {
	return &Lives{log: log, ids: uuid.New(), children: map[string]*child{}}
}

// Last is the position of the newest fact.
func (l *Lives) Last() events.Position { return l.last }

func (l *Lives) record(s events.StreamID, at time.Time, e events.Event) events.Position {
	l.last = l.log.Record(s, at, e)
	return l.last
}

// parent is there, it is gone, or it was never there.
type parent struct {
	there, gone  bool
	ends, clears int
}

func (p *parent) create() { p.there, p.gone = true, false }
func (p *parent) end()    { p.there, p.gone, p.ends = false, true, p.ends+1 }

// child is what was recorded last under an id.
type child struct {
	of      []tie
	dead    bool
	message *child // what it came from
}

// tie binds a child to a parent as that was when the child began.
type tie struct {
	*parent
	ends, clears int
}

func born(parents ...*parent) *child {
	c := &child{}
	for _, p := range parents {
		c.of = append(c.of, tie{p, p.ends, p.clears})
		c.dead = c.dead || p.gone
	}
	return c
}

// alive takes a clear for the end of a child only where that is asked for.
func (c *child) alive(clears bool) bool {
	if c == nil || c.dead || c.message != nil && !c.message.alive(true) {
		return false
	}
	return !slices.ContainsFunc(c.of, func(t tie) bool {
		return t.parent.ends != t.ends || clears && t.parent.clears != t.clears
	})
}

// ID is that of a thing of this history.
func (l *Lives) ID(what string) uuid.UUID { return events.Derive(l.ids, what) }

// Steps are all that can happen, by name; those that are not possible now do nothing.
func (l *Lives) Steps() map[string]func() {
	server, channel, agent, world, room := l.ID("server"), l.ID("channel"), l.ID("agent"), l.ID("world"), l.ID("room")
	when := func(possible bool, s events.StreamID, e events.Event, then func()) {
		if possible {
			l.record(s, time.Now(), e)
			then()
		}
	}
	atServer, atChannel, atAgent := events.ServerStream(server), events.ChannelStream(channel), events.AgentStream(agent)
	atWorld, atRoom := events.WorldStream(world), events.RoomStream(room)
	return map[string]func(){
		"server created": func() { when(!l.server.there, atServer, events.ServerCreated{ServerID: server}, l.server.create) },
		"server deleted": func() {
			when(l.server.there, atServer, events.ServerDeleted{ServerID: server}, func() {
				l.server.end()
				if l.channel.there {
					l.channel.end()
				}
			})
		},
		"channel created": func() {
			when(!l.channel.there && (!l.channelRecorded || !l.server.gone), atChannel, events.ChannelCreated{ChannelID: channel, ServerID: server}, func() {
				l.channelRecorded = true
				if l.channel.create(); l.server.gone { // it comes too late
					l.channel.end()
				}
			})
		},
		"channel cleared": func() {
			when(l.channel.there, atChannel, events.ChannelCleared{ChannelID: channel}, func() { l.channel.clears++ })
		},
		"channel deleted": func() {
			when(l.channelRecorded, atChannel, events.ChannelDeleted{ChannelID: channel}, func() { l.channelRecorded = false; l.channel.end() })
		},
		"agent created": func() { when(!l.agent.there, atAgent, events.AgentCreated{AgentID: agent}, l.agent.create) },
		"agent cleared": func() {
			when(l.agent.there, atAgent, events.AgentMemoriesCleared{AgentID: agent}, func() { l.agent.clears++ })
		},
		"agent deleted": func() { when(l.agent.there, atAgent, events.AgentDeleted{AgentID: agent}, l.agent.end) },
		"world cleared": func() { when(l.world.there, atWorld, events.WorldCleared{WorldID: world}, func() { l.world.clears++ }) },
		"world deleted": func() { when(l.world.there, atWorld, events.WorldDeleted{WorldID: world}, l.world.end) },
		"room cleared":  func() { when(l.room.there, atRoom, events.RoomCleared{RoomID: room}, func() { l.room.clears++ }) },
		"room deleted":  func() { when(l.room.there, atRoom, events.RoomDeleted{RoomID: room}, l.room.end) },
		"world created": func() {
			when(!l.world.there || !l.Alive("world"), atWorld, events.WorldCreated{WorldID: world, AgentID: agent}, func() {
				l.world.create()
				l.children["world"] = born(&l.agent)
			})
		},
		"room created": func() {
			made := events.RoomCreated{RoomID: room, AgentID: agent, WorldID: world, ChannelID: channel}
			when(!l.room.there || !l.Alive("room"), atRoom, made, func() {
				l.room.create()
				l.children["room"] = born(&l.agent, &l.world, &l.channel)
				delete(l.children, "occupant") // they were in an earlier one
			})
		},
		"message submitted": func() {
			if l.Alive("message") {
				return
			}
			id := l.ID("message")
			l.said = l.record(events.MessageStream(id), time.Now(), events.MessageSubmitted{MessageID: id, ChannelID: channel})
			l.children["message"] = born(&l.channel)
			l.children["what it told"] = born(&l.agent, &l.room, &l.world, &l.channel)
			l.children["what it told"].message = l.children["message"]
		},
		"message deleted": func() {
			if m := l.children["message"]; l.Alive("message") {
				l.record(events.MessageStream(l.ID("message")), time.Now(), events.MessageDeleted{MessageID: l.ID("message"), ChannelID: channel})
				m.dead = true
			}
		},
		"message remembered": func() {
			l.remember("memory", l.children["what it told"], l.said)
		},
		"note stored": func() { l.remember("note", born(&l.agent, &l.room, &l.world, &l.channel), 0) },
		"agent joined": func() {
			l.record(events.MembershipStream(server, agent), time.Now(), events.AgentJoinedServer{ServerID: server, AgentID: agent})
			l.join("membership", born(&l.server, &l.agent))
		},
		"agent joined as in old logs": func() {
			when(l.server.there, atServer, events.AgentJoinedServer{ServerID: server, AgentID: agent}, func() {
				l.join("membership", born(&l.server, &l.agent))
			})
		},
		"agent left": func() {
			l.record(events.MembershipStream(server, agent), time.Now(), events.AgentLeftServer{ServerID: server, AgentID: agent})
			delete(l.children, "membership")
		},
		"agent left as in old logs": func() {
			when(l.server.there, atServer, events.AgentLeftServer{ServerID: server, AgentID: agent}, func() { delete(l.children, "membership") })
		},
		"entity joined": func() {
			l.record(events.OccupancyStream(room, agent), time.Now(), events.RoomJoined{RoomID: room, AgentID: agent, EntityID: agent})
			l.join("occupant", born(&l.room))
		},
		"entity joined as in old logs": func() {
			when(l.room.there, atRoom, events.RoomJoined{RoomID: room, AgentID: agent, EntityID: agent}, func() {
				l.join("occupant", born(&l.room))
			})
		},
		"entity seen": func() {
			id := l.ID("entity")
			l.record(events.EntityStream(id), time.Now(), events.EntitySeen{EntityID: id, AgentID: agent})
			l.children["entity"] = born(&l.agent)
		},
		"session created": func() {
			if id := l.ID("session"); !l.Alive("session") {
				l.record(events.SessionStream(id), time.Now(), events.SessionCreated{SessionID: id, ChannelID: channel, AgentID: agent, Clock: clock()})
				l.children["session"] = born(&l.agent)
			}
		},
		"session used": func() {
			if id := l.ID("session"); l.Alive("session") {
				l.record(events.SessionStream(id), time.Now(), events.SessionUsed{SessionID: id, ChannelID: channel, AgentID: agent, Clock: clock()})
			}
		},
		"file of the channel uploaded": func() { l.upload("file of the channel", events.FileOfChannel, channel, &l.channel) },
		"file of the agent uploaded":   func() { l.upload("file of the agent", events.FileOfAgent, agent, &l.agent) },
	}
}

func clock() events.SessionClock {
	now := time.Now()
	return events.SessionClock{CreatedAt: now, LastActivity: now, ExpiresAt: now.Add(time.Hour)}
}

func (l *Lives) remember(what string, as *child, said events.Position) {
	if l.Alive(what) || as == nil {
		return
	}
	id := l.ID(what)
	stored := events.MemoryStored{
		MemoryID: id, AgentID: l.ID("agent"), RoomID: l.ID("room"), WorldID: l.ID("world"), ChannelID: l.ID("channel"), Content: []byte("{}"),
		Table: "messages", Said: said,
	}
	if said != 0 {
		stored.MessageID = l.ID("message")
	}
	l.record(events.MemoryStream(id), time.Now(), stored)
	l.children[what] = as
}

// join makes a member, unless there is one.
func (l *Lives) join(what string, as *child) {
	if !l.Alive(what) {
		l.children[what] = as
	}
}

func (l *Lives) upload(what, owner string, of uuid.UUID, p *parent) {
	if l.Alive(what) {
		return
	}
	id := l.ID(what)
	l.record(events.FileStream(id), time.Now(), events.FileUploaded{FileID: id, Owner: owner, OwnerID: of})
	l.children[what] = born(p)
}

// Alive reports what the steps so far say.
func (l *Lives) Alive(what string) bool {
	switch c := l.children[what]; what {
	case "channel":
		return l.channel.there
	case "world":
		return l.world.there && c.alive(false)
	case "room":
		return l.room.there && c.alive(false)
	case "occupant":
		return l.Alive("room") && c.alive(false)
	case "entity", "file of the agent", "membership", "session":
		return c.alive(false)
	default:
		return c.alive(true)
	}
}
