package httpapi

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// What the examples of the description are about: one agent, and one conversation with it.
var (
	exampleAgent   = events.StringToUUID("Eliza")
	exampleServer  = events.DefaultServer
	exampleUser    = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	exampleChannel = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000001")
	exampleMessage = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000002")
	exampleReply   = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000003")
	exampleMemory  = events.UniqueUUID(exampleAgent, exampleMessage.String())
	exampleWorld   = events.UniqueUUID(exampleAgent, exampleServer.String())
	exampleRoom    = events.UniqueUUID(exampleAgent, exampleChannel.String())
	exampleFile    = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000004")
	exampleRequest = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000005")
	exampleTime    = time.Date(2026, 11, 23, 13, 53, 20, 449_000_000, time.UTC)
	exampleISO     = queries.ISO("2026-11-23T13:53:20.449Z")
	exampleMillis  = queries.Millis(1795442000449)
	examplePlace   = events.Token{Log: uuid.MustParse("0199f3a0-5c00-7000-8000-000000000000"), Position: 4711}.String()
)

// Things that several domains answer with.
var (
	anAgentItem = queries.AgentItem{ID: exampleAgent, Name: "Eliza", CharacterName: "Eliza", Bio: "A listener of 1966.", Status: queries.Active}
	aServer     = queries.Server{ID: exampleServer, Name: "Default Server", SourceType: "eliza_default", CreatedAt: exampleISO, UpdatedAt: exampleISO}
	aChannel    = queries.Channel{
		ID: exampleChannel, ServerID: exampleServer, Name: "Us", Type: "DM", Metadata: json.RawMessage(`{"isDm":true}`), CreatedAt: exampleISO, UpdatedAt: exampleISO,
	}
	aMessage = queries.Message{
		ID: exampleMessage, ChannelID: exampleChannel, AuthorID: exampleUser, Content: "I feel at home here.", SourceType: "eliza_gui",
		Metadata: json.RawMessage(`{"user_display_name":"Ann"}`), CreatedAt: exampleISO, UpdatedAt: exampleISO, CreatedMillis: exampleMillis, UpdatedMillis: exampleMillis,
	}
	aMemory = queries.Memory{
		ID: exampleMemory, Type: "messages", CreatedAt: exampleMillis, Content: json.RawMessage(`{"text":"I feel at home here.","source":"eliza_gui"}`),
		EntityID: events.UniqueUUID(exampleAgent, exampleUser.String()), AgentID: exampleAgent, RoomID: exampleRoom, Unique: true,
		Metadata: json.RawMessage(`{"type":"message"}`),
	}
)

var exampleNear = 0.87
