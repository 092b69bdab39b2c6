// Package example holds what the examples of the API's description are about: one agent, and one conversation with it.
package example

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// Their ids, and when all of it happened.
var (
	Agent    = events.StringToUUID("Eliza")
	Server   = events.DefaultServer
	User     = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	Channel  = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000001")
	Message  = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000002")
	Reply    = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000003")
	Memory   = events.UniqueUUID(Agent, Message.String())
	World    = events.UniqueUUID(Agent, Server.String())
	Room     = events.UniqueUUID(Agent, Channel.String())
	File     = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000004")
	Request  = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000005")
	Time     = time.Date(2026, 11, 23, 13, 53, 20, 449_000_000, time.UTC)
	ISO      = queries.ISO("2026-11-23T13:53:20.449Z")
	Millis   = queries.Millis(1795442000449)
	Position = events.Token{Log: uuid.MustParse("0199f3a0-5c00-7000-8000-000000000000"), Position: 4711}.String()
)

// Things that several domains answer with.
var (
	AgentItem  = queries.AgentItem{ID: Agent, Name: "Eliza", CharacterName: "Eliza", Bio: "A listener of 1966.", Status: queries.Active}
	TheServer  = queries.Server{ID: Server, Name: "Default Server", SourceType: "eliza_default", CreatedAt: ISO, UpdatedAt: ISO}
	TheChannel = queries.Channel{
		ID: Channel, ServerID: Server, Name: "Us", Type: "DM", Metadata: json.RawMessage(`{"isDm":true}`), CreatedAt: ISO, UpdatedAt: ISO,
	}
	TheMessage = queries.Message{
		ID: Message, ChannelID: Channel, AuthorID: User, Content: "I feel at home here.", SourceType: "eliza_gui",
		Metadata: json.RawMessage(`{"user_display_name":"Ann"}`), CreatedAt: ISO, UpdatedAt: ISO, CreatedMillis: Millis, UpdatedMillis: Millis,
	}
	TheMemory = queries.Memory{
		ID: Memory, Type: "messages", CreatedAt: Millis, Content: json.RawMessage(`{"text":"I feel at home here.","source":"eliza_gui"}`),
		EntityID: events.UniqueUUID(Agent, User.String()), AgentID: Agent, RoomID: Room, Unique: true,
		Metadata: json.RawMessage(`{"type":"message"}`),
	}
)
