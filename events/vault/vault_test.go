package vault_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/google/uuid"

	"annals/deploy/postgres/pgtest"
	"annals/events/vault"
)

func open(t *testing.T, url string) *vault.Keys {
	t.Helper()
	keys, err := vault.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	return keys
}

func TestNodesThatMakeAKeyAtOnceGetTheSame(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	var nodes [3]*vault.Keys
	var opening sync.WaitGroup
	for i := range nodes {
		opening.Go(func() { nodes[i] = open(t, url) })
	}
	opening.Wait()
	for range 5 {
		subject := uuid.New()
		var all sync.WaitGroup
		got := make([][]byte, 12)
		for i := range got {
			all.Go(func() {
				key, err := nodes[i%len(nodes)].Key(t.Context(), subject, true)
				if err != nil {
					t.Error(err)
				}
				got[i] = key
			})
		}
		all.Wait()
		for _, key := range got {
			if len(key) != 32 || !bytes.Equal(key, got[0]) {
				t.Fatalf("keys of one subject differ, or are of %d bytes", len(key))
			}
		}
	}
}

func TestADestroyedKeyIsGoneForEveryNode(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	a, b := open(t, url), open(t, url)
	subject, other := uuid.New(), uuid.New()
	before, err := a.Key(t.Context(), subject, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Key(t.Context(), other, true); err != nil {
		t.Fatal(err)
	}
	if err := b.Destroy(t.Context(), subject); err != nil {
		t.Fatal(err)
	}
	if key, err := a.Key(t.Context(), subject, false); key != nil || err != nil {
		t.Errorf("the key is still there: %v", err)
	}
	if key, err := b.Key(t.Context(), other, false); len(key) != 32 || err != nil {
		t.Errorf("another key is gone: %v", err)
	}
	if after, err := a.Key(t.Context(), subject, true); bytes.Equal(after, before) || err != nil {
		t.Errorf("the destroyed key came back: %v", err)
	}
}
