package portation

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/limits"
)

func TestIDsAreReplacedWhereTheyAreTheWholeTextOrAName(t *testing.T) {
	t.Parallel()
	from, to, memory, foreign := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	c := &copying{from: from, to: to, ids: map[uuid.UUID]uuid.UUID{}, hashes: map[uuid.UUID]string{}, held: someShare(t)}
	if err := c.add(memory); err != nil {
		t.Fatal(err)
	}
	copied := events.Derive(to, "copy", memory.String())
	texts := strings.NewReplacer("FROM", from.String(), "TO", to.String(), "MEMORY", memory.String(), "COPY", copied.String(), "FOREIGN", foreign.String())
	for was, is := range map[string]string{
		`{"text":"MEMORY","a":"MEMORY"}`:                   `{"text":"MEMORY","a":"COPY"}`,
		`{"a":{"text":"MEMORY"}}`:                          `{"a":{"text":"COPY"}}`,
		`{"text" : "MEMORY" , "MEMORY" :1}`:                `{"text" : "MEMORY" , "COPY" :1}`,
		`{"text":["MEMORY"],"b":["FROM","FOREIGN"]}`:       `{"text":["COPY"],"b":["TO","FOREIGN"]}`,
		`{"a":"see MEMORY","b":"\"MEMORY\"","c":"\\"}`:     `{"a":"see MEMORY","b":"\"MEMORY\"","c":"\\"}`,
		`{"n":12345678901234567890,"a":"MEMORY","n":1e99}`: `{"n":12345678901234567890,"a":"COPY","n":1e99}`,
		`{"a":"MEMORY`: `{"a":"MEMORY`, ``: ``, `null`: `null`,
	} {
		given := texts.Replace(was)
		if got := string(c.json([]byte(given))); got != texts.Replace(is) {
			t.Errorf("%s became %s", given, got)
		}
	}
	if upper := c.json([]byte(`"` + strings.ToUpper(memory.String()) + `"`)); string(upper) != `"`+copied.String()+`"` {
		t.Errorf("in capitals: %s", upper)
	}
}

// A document that a character names, and its fragments, have ids that the agent that gets the copy would give them.
func TestWhatACharacterKnowsIsNotKnownTwiceByACopy(t *testing.T) {
	t.Parallel()
	from, to := uuid.New(), uuid.New()
	of := func(agent uuid.UUID) (document, fragment uuid.UUID) {
		document = events.NamedDocumentID(agent, "tea.md")
		return document, events.FragmentID(document, 3, "abc")
	}
	c := &copying{from: from, to: to, ids: map[uuid.UUID]uuid.UUID{}, hashes: map[uuid.UUID]string{}, held: someShare(t)}
	document, fragment := of(from)
	for _, raw := range []string{
		`{"id":"` + document.String() + `","metadata":{"path":"tea.md","hash":"abc"}}`,
		`{"id":"` + fragment.String() + `","documentId":"` + document.String() + `","metadata":{"position":3}}`,
	} {
		if err := c.survey(kindMemory, []byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	wantDocument, wantFragment := of(to)
	if c.of(document) != wantDocument || c.of(fragment) != wantFragment {
		t.Errorf("they are %v and %v", c.of(document), c.of(fragment))
	}
}

func TestIDsOfACopyAreBounded(t *testing.T) {
	t.Parallel()
	c := &copying{ids: map[uuid.UUID]uuid.UUID{}, held: someShare(t)}
	for range 10 {
		if err := c.add(uuid.New()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add(uuid.New()); err == nil {
		t.Error("more than was allowed")
	}
}

// someShare has room for ten ids.
func someShare(t *testing.T) *limits.Share {
	t.Helper()
	some := limits.Bound{Value: 10 * idBytes}
	s := limits.NewBudget(some, some, some).Join(netip.Prefix{})
	t.Cleanup(s.Leave)
	return s
}
