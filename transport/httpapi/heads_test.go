package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/chain"
	"annals/transport/httpapi"
	"annals/transport/problem"
)

func TestAClientKeepsAHeadAndIsShownThatTheLogGoesOnFromItWithItsMessage(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var kept chain.SignedHead
	s.Ask("POST", "/api/history/head", nil).Is(http.StatusOK).Data(&kept)
	if err := kept.Check(); err != nil || kept.Position.Log != s.Log || kept.Position.Position != s.Head() {
		t.Fatalf("%+v %v", kept, err)
	}
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "said", "server_id": "0"}).Is(http.StatusCreated)
	said := events.Token{Log: s.Log, Position: s.Head()}
	var p chain.Proof
	s.Ask("GET", "/api/history/proof?position="+said.String()+"&head="+kept.Position.String(), nil).Is(http.StatusOK).Data(&p)
	if err := p.Check(&kept); err != nil || p.Inclusion == nil || p.Consistency == nil || p.Head.PublicKey != kept.PublicKey {
		t.Fatalf("%+v %v", p, err)
	}
	for raw, err := range s.Store.Facts(t.Context(), said.Position-1) {
		if err != nil || p.Inclusion.Covers(raw) != nil {
			t.Errorf("it is not the event that was recorded: %v", err)
		}
	}
	p = chain.Proof{}
	s.Ask("GET", "/api/history/proof?position="+said.String(), nil).Is(http.StatusOK).Data(&p)
	if err := p.Check(nil); err != nil || p.Consistency != nil {
		t.Errorf("%+v %v", p, err)
	}
}

func TestAProofOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	beyond := events.Token{Log: s.Log, Position: s.Head() + 1_000_000}.String()
	other := events.Token{Log: uuid.New(), Position: 1}.String()
	for _, query := range []string{"", "?position=x", "?head=x", "?position=" + other, "?head=" + other, "?position=" + s.Log.String() + ".-1"} {
		s.Ask("GET", "/api/history/proof"+query, nil).Refused(http.StatusBadRequest, problem.CodeInvalidRequest)
	}
	for _, query := range []string{"?position=" + beyond, "?head=" + beyond} {
		s.Ask("GET", "/api/history/proof"+query, nil).Refused(http.StatusNotFound, problem.CodeNotFound)
	}
}

func TestWithoutAKeyOnlyThisMachineIsGivenHeadsAndProofs(t *testing.T) {
	t.Parallel()
	open, keyed := serve(t), serve(t, func(o *httpapi.Options) { o.Frame.Key = "k" })
	open.Ask("GET", "/api/history/proof?position=x", nil, "Origin", "http://localhost:1").Refused(http.StatusForbidden, problem.CodeForbidden)
	open.Ask("POST", "/api/history/head", nil, "Origin", "http://localhost:1").Refused(http.StatusForbidden, problem.CodeForbidden)
	keyed.Ask("POST", "/api/history/head", nil).Refused(http.StatusUnauthorized, problem.CodeAuthRequired)
	keyed.Ask("POST", "/api/history/head", nil, "X-API-KEY", "k").Is(http.StatusOK)
	keyed.Ask("GET", "/api/history/proof", nil).Refused(http.StatusUnauthorized, problem.CodeAuthRequired)
}

func TestAServerWithoutASignedHeadSaysSo(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.History.Heads = chain.NewKeeper(chain.HeadWriter{}, nil) })
	s.Ask("POST", "/api/history/head", nil).Refused(http.StatusServiceUnavailable, problem.CodeUnavailable)
	s.Ask("GET", "/api/history/proof?position="+events.Token{Log: s.Log, Position: 1}.String(), nil).Refused(http.StatusServiceUnavailable, problem.CodeUnavailable)
	none := serve(t, func(o *httpapi.Options) { o.History.Heads = nil })
	none.Ask("POST", "/api/history/head", nil).Refused(http.StatusNotFound, problem.CodeNotFound)
}
