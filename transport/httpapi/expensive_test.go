package httpapi_test

import (
	"strings"
	"sync"
	"testing"

	"annals/transport/problem"
)

// A search that names no word that has to be there would look at everything.
func TestSearchesOfNegationsAloneAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "tea for two", "server_id": "0"}).Is(201)
	s.CaughtUp()
	for _, words := range []string{"-zzz", "-zzz -yyy", "-zzz or tea", `-"a phrase"`} {
		s.Ask("POST", "/api/messaging/messages/search", fields{"query": words}).Refused(400, problem.CodeInvalidRequest)
	}
	for _, words := range []string{"tea -zzz", "tea", "well-known or tea", ""} {
		if found := s.Ask("POST", "/api/messaging/messages/search", fields{"query": words}).Is(200).At("messages").([]any); len(found) != 1 {
			t.Errorf("%q finds %d", words, len(found))
		}
	}
}

// A search that takes too long is the client's to narrow; that a list cannot be read is not the client's doing.
func TestAStatementThatTakesTooLongSaysSo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "tea", "server_id": "0"}).Is(201)
	s.CaughtUp()
	conn, err := s.Pool.Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	must(t, err)
	var table string
	must(t, tx.QueryRow(t.Context(), `select nspname || '.messages' from pg_namespace where nspname ~ '^messages_g[0-9]+$'`).Scan(&table))
	_, err = tx.Exec(t.Context(), "lock table "+table+" in access exclusive mode")
	must(t, err)
	var both sync.WaitGroup
	both.Go(func() {
		a := s.Ask("POST", "/api/messaging/messages/search", fields{"query": "tea"})
		if a.Status != 400 || !strings.Contains(string(a.Body), "too long") {
			t.Errorf("a search: %d %s", a.Status, a.Body)
		}
	})
	both.Go(func() {
		if a := s.Ask("GET", chat+"/messages", nil); a.Status != 503 || a.Header.Get("Retry-After") == "" {
			t.Errorf("a list: %d %s", a.Status, a.Body)
		}
	})
	both.Wait()
	must(t, tx.Rollback(t.Context()))
}
