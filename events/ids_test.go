package events

import (
	"testing"

	"github.com/google/uuid"
)

func TestStringToUUIDDerivesWhatElizaOSDerives(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Eliza":        "b850bc30-45f8-0041-a00a-83df46d8555d",
		"Golden Agent": "ce2cf3ef-0484-0575-9d0c-c3de04297510",
		"hello world":  "f0355dd5-2823-054c-ae66-a0b12842c215",
		"ünïcode/ß 你好": "8e2b0cfd-3007-060c-ac58-2dae8c2f1c81",
		"(!*'~)":       "5d07f520-ae4c-0c7e-9f3c-d07dc675a4df",
		"42":           "92cfceb3-9d57-0914-ad8b-14d0e37643de",
		"":             "da39a3ee-5e6b-0b0d-b255-bfef95601890",
	} {
		if got := StringToUUID(text).String(); got != want {
			t.Errorf("StringToUUID(%q) = %s, ElizaOS derives %s", text, got, want)
		}
	}
}

func TestUniqueUUIDIsTheBridgeToAnAgentsOwnIDs(t *testing.T) {
	t.Parallel()
	agent := uuid.MustParse("ce2cf3ef-0484-0575-9d0c-c3de04297510")
	for base, want := range map[string]string{
		"00000000-0000-0000-0000-000000000000": "4aa8cdde-edb5-0d23-af64-21b1a9b50b79",
		"11111111-1111-4111-8111-111111111111": "28ff1294-6fd9-08df-912f-9e6ffd4ecc49",
		"default-room":                         "94780ecf-40a0-08d3-8fa2-50aadf814481",
		agent.String():                         agent.String(),
	} {
		if got := UniqueUUID(agent, base).String(); got != want {
			t.Errorf("UniqueUUID(%s) = %s, ElizaOS derives %s", base, got, want)
		}
	}
}

func TestDeriveTellsItsPartsApart(t *testing.T) {
	t.Parallel()
	seen := map[uuid.UUID][]string{}
	for _, parts := range [][]string{{}, {"a", "b"}, {"b", "a"}, {"ab"}, {"a", "b", ""}, {"", "a", "b"}} {
		id := Derive(someRun, parts...)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q give the same id", parts, other)
		}
		seen[id] = parts
		if id != Derive(someRun, parts...) || id == Derive(eliza, parts...) {
			t.Errorf("%q: the id does not depend on space and parts alone", parts)
		}
	}
}

func TestStreamNamesGiveBackNounAndSubject(t *testing.T) {
	t.Parallel()
	for _, s := range []StreamID{
		AgentStream(eliza), ServerStream(eliza), ChannelStream(eliza), MessageStream(eliza), TurnStream(eliza),
	} {
		if s.Subject() != eliza || s != Stream(s.Category(), eliza) {
			t.Errorf("%s: category %q, subject %s", s, s.Category(), s.Subject())
		}
	}
	if s := StreamID("$ce-agent"); s.Subject() != uuid.Nil {
		t.Errorf("%s has the subject %s", s, s.Subject())
	}
}

func TestATokenReadsBackAndRefusesEverythingElse(t *testing.T) {
	t.Parallel()
	want := Token{Log: someRun, Position: 1<<63 - 1}
	if got, err := ParseToken(want.String()); err != nil || got != want {
		t.Errorf("%s reads as %v, %v", want, got, err)
	}
	for _, s := range []string{
		"", "17", someRun.String(), someRun.String() + ".", someRun.String() + ".-1", someRun.String() + ".9223372036854775808",
		someRun.String() + ".1.2", "not-a-log.17",
	} {
		if got, err := ParseToken(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}
