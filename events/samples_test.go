package events

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

var (
	alice   = uuid.MustParse("a11ce000-0000-4000-8000-000000000001")
	eliza   = uuid.MustParse("b850bc30-45f8-0041-a00a-83df46d8555d")
	guild   = uuid.MustParse("60110000-0000-4000-8000-000000000001")
	lobby   = uuid.MustParse("10bb4000-0000-4000-8000-000000000001")
	hello   = uuid.MustParse("3e110000-0000-4000-8000-000000000001")
	reply   = uuid.MustParse("3e110000-0000-4000-8000-000000000002")
	snap    = uuid.MustParse("f11e0000-0000-4000-8000-000000000001")
	someRun = uuid.MustParse("70110000-0000-4000-8000-000000000001")
	factID  = uuid.MustParse("fac70000-0000-4000-8000-000000000001")
	work    = uuid.MustParse("10b00000-0000-4000-8000-000000000001")
	talk    = uuid.MustParse("7a1c0000-0000-4000-8000-000000000001")
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
)

var sampleClock = SessionClock{
	CreatedAt: noon, LastActivity: noon.Add(time.Minute), ExpiresAt: noon.Add(31 * time.Minute), RenewalCount: 1,
	Timeout: SessionTimeout{TimeoutMinutes: 30, AutoRenew: true, MaxDurationMinutes: 720, WarningThresholdMinutes: 5},
}

var sampleMeta = Metadata{
	Correlation: uuid.MustParse("c0440000-0000-4000-8000-000000000001"),
	Causation:   uuid.MustParse("ca050000-0000-4000-8000-000000000001"),
	Request:     uuid.MustParse("4e900000-0000-4000-8000-000000000001"),
	Body:        "2cf24dba5fb0a30e",
	Actor:       "key:tests",
	At:          noon,
	Schema:      1,
	Trace:       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	Hops:        1,
}

// samples holds a fact of every type, with every field set.
var samples = []Event{
	LogOpened{LogID: someRun},
	AgentCreated{AgentID: eliza, Character: sampleCharacter()},
	AgentUpdated{AgentID: eliza, Character: sampleCharacter(), Disabled: true},
	AgentStarted{AgentID: eliza},
	AgentStopped{AgentID: eliza},
	AgentDeleted{AgentID: eliza},
	AgentMemoriesCleared{AgentID: eliza},
	AgentNameTaken{AgentNameID: AgentNameID("Eliza"), AgentID: eliza},
	AgentNameReleased{AgentNameID: AgentNameID("Eliza"), AgentID: eliza},
	ServerCreated{
		ServerID: guild, Name: "The private guild", SourceType: "discord", SourceID: "g-1",
		Metadata: json.RawMessage(`{"secretRegion":"eu"}`),
	},
	AgentJoinedServer{ServerID: guild, AgentID: eliza},
	AgentLeftServer{ServerID: guild, AgentID: eliza},
	ChannelCreated{
		ChannelID: lobby, ServerID: guild, NamedBy: alice, Name: "The private lobby", Type: "GROUP", SourceType: "discord", SourceID: "c-1",
		Topic: "private topic", Metadata: json.RawMessage(`{"privately":[1,2.5e3,null]}`), Participants: []uuid.UUID{alice, eliza},
		OpenedBy: alice, Opening: json.RawMessage(`{"user_display_name":"Private Alice"}`),
	},
	ChannelUpdated{
		ChannelID: lobby, NamedBy: alice, Name: "Another private lobby", Metadata: json.RawMessage(`{"privately":"changed"}`),
		OpenedBy: alice, Opening: json.RawMessage(`{"user_display_name":"Private Alice"}`),
	},
	ParticipantJoined{ChannelID: lobby, ParticipantID: alice},
	ParticipantLeft{ChannelID: lobby, ParticipantID: alice},
	ChannelCleared{ChannelID: lobby},
	ChannelDeleted{ChannelID: lobby},
	MessageSubmitted{
		MessageID: reply, ChannelID: lobby, ServerID: guild, AuthorID: eliza, AuthorName: "Private Eliza", SubjectID: alice,
		Content: "private words, ünïcode 你好 <b>&amp;</b>", RawMessage: json.RawMessage(`{"thought":"private thought"}`),
		Metadata: json.RawMessage(`{"mood":"private mood"}`), SourceType: "client_chat", SourceID: "m-1", InReplyTo: hello,
		ByAgent: true, Submitted: true, Audience: []uuid.UUID{eliza},
	},
	MessageEdited{
		MessageID: reply, ChannelID: lobby, AuthorID: eliza, SubjectID: alice, Content: "other private words",
		Metadata: json.RawMessage(`{"mood":"another private mood"}`),
		Action:   true, RawMessage: json.RawMessage(`{"thought":"a private thought"}`), SourceType: "agent_action", InReplyTo: hello, ServerID: guild,
		AuthorName: "Private Alice", SaidAt: noon,
	},
	MessageDeleted{MessageID: reply, ChannelID: lobby},
	TurnAborted{TurnID: someRun, ChannelID: lobby, ServerID: guild, AgentID: eliza, MessageID: hello},
	TurnCompleted{
		TurnID: someRun, ChannelID: lobby, ServerID: guild, AgentID: eliza, MessageID: hello, ReplyID: reply,
		Outcome: TurnReplied, Reason: "it was addressed", Model: "classic", PromptTokens: 12, CompletionTokens: 7, DurationMillis: 31,
		Memories: []MemoryUse{{MemoryID: hello, Score: 0.75}}, Unremembered: true,
	},
	SessionCreated{
		SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"username":"Private Alice"}`), Clock: sampleClock,
	},
	SessionUsed{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: sampleClock},
	SessionRenewed{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: sampleClock},
	SessionTimeoutChanged{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: sampleClock},
	SessionExpired{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: sampleClock},
	SessionDeleted{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: sampleClock},
	JobCreated{
		JobID: work, ChannelID: lobby, MessageID: hello, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"for":"Private Alice"}`),
		CreatedAt: noon, ExpiresAt: noon.Add(time.Minute),
	},
	JobEnded{JobID: work, ChannelID: lobby, AgentID: eliza, UserID: alice, Status: JobCompleted, ReplyID: hello, Reason: "the agent has answered"},
	WorldCreated{
		WorldID: guild, AgentID: eliza, ServerID: "server-1", Name: "A private world", Metadata: json.RawMessage(`{"privately":1}`),
	},
	WorldUpdated{WorldID: guild, AgentID: eliza, Name: "Another private world", Metadata: json.RawMessage(`{"privately":2}`)},
	WorldCleared{WorldID: guild},
	WorldDeleted{WorldID: guild},
	RoomCreated{
		RoomID: lobby, AgentID: eliza, WorldID: guild, ChannelID: lobby, ServerID: "server-1", NamedBy: alice, Name: "A private room", Type: "DM",
		Source: "client", Metadata: json.RawMessage(`{"privately":1}`), Entities: []uuid.UUID{eliza, alice},
	},
	RoomJoined{RoomID: lobby, AgentID: eliza, EntityID: alice},
	RoomCleared{RoomID: lobby, AgentID: eliza},
	RoomDeleted{RoomID: lobby, AgentID: eliza},
	EntitySeen{
		EntityID: someRun, AgentID: eliza, SubjectID: alice, Names: []string{"Private Alice"}, Metadata: json.RawMessage(`{"privately":1}`),
	},
	MemoryStored{
		MemoryID: hello, AgentID: eliza, RoomID: lobby, EntityID: someRun, WorldID: guild, SubjectID: alice, Table: TableMessages,
		Content: json.RawMessage(`{"text":"private words"}`), Metadata: json.RawMessage(`{"mood":"private mood"}`), Unique: true,
		ChannelID: lobby, MessageID: reply, Said: 17, DocumentID: someRun, At: noon,
	},
	MemoryUpdated{
		MemoryID: hello, AgentID: eliza, SubjectID: alice, Content: json.RawMessage(`{"text":"other private words"}`),
		Metadata: json.RawMessage(`{"mood":"another private mood"}`),
	},
	MemoryEmbedded{
		MemoryID: hello, AgentID: eliza, SubjectID: alice, Model: "hashing", Dimensions: 2,
		Vector: []byte{0, 0, 128, 63, 0, 0, 0, 63}, TextHash: HashText("private words"), RepeatOf: someRun,
	},
	MemoryDeleted{MemoryID: hello, AgentID: eliza, Forgotten: true},
	DocumentAdded{MemoryID: hello, AgentID: eliza},
	LogRecorded{
		LogID: someRun, AgentID: eliza, RoomID: lobby, EntityID: alice, SubjectID: alice, TurnID: someRun,
		Type: LogModelCall + "TEXT_LARGE", Body: json.RawMessage(`{"prompt":"private prompt"}`), Reasoning: "private reasoning",
	},
	LogDeleted{LogID: someRun, AgentID: eliza},
	FileUploaded{
		FileID: snap, Owner: FileOfChannel, OwnerID: lobby, Filename: "1795442001232-271872742.png", Name: "private picture.png",
		Type: "image/png", Size: 70, SHA256: "6f1c3b1e", Width: 1, Height: 1,
	},
	FileDeleted{FileID: snap},
	ServerDeleted{ServerID: guild},
	EnvironmentChanged{Keys: []string{"OPENAI_API_KEY"}},
	ParkedEventRetried{EventID: hello, Reaction: "reply"},
	ParkedEventDropped{EventID: hello, Reaction: "reply"},
	SubjectErased{SubjectID: alice, Key: "0badcafe"},
	TeeRootFound{TeeID: someRun, RootID: "52aed4ba10b0d6a1", Root: "software", Evidence: "none", PublicKey: "6a133323be3676a81b3e77009d806b6564b3c731c916c6b856ef60150cc4b0b2"},
}

func sampleCharacter() Character {
	return Character{
		Name: "Private Eliza", Username: "privately-eliza", System: "Be a private listener.",
		Bio:             json.RawMessage(`["private life","and work"]`),
		Templates:       json.RawMessage(`{"reply":"private template"}`),
		MessageExamples: json.RawMessage(`[[{"name":"Private Bob","content":{"text":"private example"}}]]`),
		PostExamples:    []string{"private post"}, Topics: []string{"private topics"}, Adjectives: []string{"privately kind"},
		Knowledge: json.RawMessage(`["private knowledge",{"path":"private.md","shared":true}]`),
		Plugins:   []string{"@private/plugin"},
		Settings:  map[string]json.RawMessage{"privateModel": json.RawMessage(`{"name":"m","temperature":0.7}`)},
		Secrets:   map[string]Secret{"PRIVATE_KEY": NewSecret(json.RawMessage(`"0707:1bda"`)), "NUMBER": NewSecret(json.RawMessage(`5`))},
		Style:     json.RawMessage(`{"all":["privately short"]}`),
	}
}

// fixedKeys derives each key from the subject, so that what was sealed once can be opened for ever. A destroyed key stays
// away until another is made.
type fixedKeys struct {
	mu        sync.Mutex
	destroyed map[uuid.UUID]int
	away      error // when set, no key can be reached
	gone      map[uuid.UUID]bool
}

func newFixedKeys() *fixedKeys {
	return &fixedKeys{destroyed: map[uuid.UUID]int{}, gone: map[uuid.UUID]bool{}}
}

func (k *fixedKeys) Key(_ context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away != nil {
		return nil, k.away
	}
	if k.gone[subject] && !create {
		return nil, nil
	}
	k.gone[subject] = false
	sum := sha256.Sum256(append([]byte("annals golden key"), append(subject[:], make([]byte, k.destroyed[subject])...)...))
	return sum[:], nil
}

func (k *fixedKeys) Stamp(subject uuid.UUID) (Stamp, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Stamp{ID: int64(k.destroyed[subject])}, nil
}

func (k *fixedKeys) Destroy(_ context.Context, subject uuid.UUID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.destroyed[subject]++
	k.gone[subject] = true
	return k.away
}

var errAway = errors.New("the disk is away")

func encode(t testing.TB, c *Codec, e Event) Encoded {
	t.Helper()
	enc, err := c.Encode(t.Context(), Proposed{ID: factID, Event: e, Meta: sampleMeta})
	if err != nil {
		t.Fatalf("encode %s: %v", e.EventType(), err)
	}
	return enc
}

func decode(t testing.TB, c *Codec, enc Encoded) Recorded {
	t.Helper()
	r, err := c.Decode(t.Context(), Raw{Encoded: enc, Stream: AgentStream(eliza), Revision: 3, Position: 17, Created: noon})
	if err != nil {
		t.Fatalf("decode %s: %v", enc.Type, err)
	}
	return r
}

// toJSON is what tells two facts apart: it sees through the spellings of one and the same JSON.
func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThereIsASampleOfEveryTypeWithEveryFieldSet(t *testing.T) {
	t.Parallel()
	if len(samples) != len(catalogue) {
		t.Fatalf("%d samples for %d types", len(samples), len(catalogue))
	}
	for _, e := range catalogue {
		if !slices.ContainsFunc(samples, func(s Event) bool { return s.EventType() == e.EventType() }) {
			t.Errorf("there is no sample of %s", e.EventType())
		}
	}
	for _, e := range samples {
		if name := reflect.TypeOf(e).Name(); name != e.EventType() {
			t.Errorf("the Go name %s is not the name on the wire %s", name, e.EventType())
		}
		everyFieldSet(t, e.EventType(), reflect.ValueOf(e))
	}
}

func everyFieldSet(t *testing.T, at string, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f, name := v.Field(i), at+"."+v.Type().Field(i).Name
		if f.IsZero() {
			t.Errorf("%s is not set in its sample", name)
		}
		if f.Type() == reflect.TypeFor[Character]() {
			everyFieldSet(t, name, f)
		}
	}
}
