package commands_test

import (
	"encoding/json"

	"github.com/google/uuid"

	. "annals/commands/commandstest"
	"annals/events"
)

// What Eliza knows and remembers in these tests.
var (
	realm  = uuid.MustParse("4ea13000-0000-4000-8000-000000000000") // a world
	study  = uuid.MustParse("57d40000-0000-4000-8000-000000000000") // a room of it
	parlor = uuid.MustParse("9a410000-0000-4000-8000-000000000000") // Eliza's room for the lobby
	note   = uuid.MustParse("407e0000-0000-4000-8000-000000000000") // a memory
	book   = uuid.MustParse("b0000000-0000-4000-8000-000000000000") // a document

	realmCreated  = events.WorldCreated{WorldID: realm, AgentID: eliza, ServerID: "s", Name: "Realm", Metadata: json.RawMessage(`{"a":1,"b":2}`)}
	realmCleared  = events.WorldCleared{WorldID: realm}
	realmDeleted  = events.WorldDeleted{WorldID: realm}
	studyCreated  = events.RoomCreated{RoomID: study, AgentID: eliza, WorldID: realm, Name: "Study", Type: "DM", Source: "client", Entities: []uuid.UUID{eliza}}
	studyCleared  = events.RoomCleared{RoomID: study, AgentID: eliza}
	studyDeleted  = events.RoomDeleted{RoomID: study, AgentID: eliza}
	parlorCreated = events.RoomCreated{RoomID: parlor, AgentID: eliza, WorldID: realm, ChannelID: lobby, Name: "Lobby", Type: "GROUP"}
	elizaForgot   = events.AgentMemoriesCleared{AgentID: eliza}
	noteStored    = events.MemoryStored{
		MemoryID: note, AgentID: eliza, RoomID: study, EntityID: alice, WorldID: realm, SubjectID: alice, Table: "facts",
		Content: json.RawMessage(`{"text":"tea"}`), Metadata: json.RawMessage(`{"a":1}`), Unique: true,
	}
	noteDeleted = events.MemoryDeleted{MemoryID: note, AgentID: eliza}

	house = Given(homeCreated, elizaCreated, realmCreated, studyCreated)
)
