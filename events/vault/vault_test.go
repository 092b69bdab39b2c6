package vault_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
	"annals/events"
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

func TestAVaultThatIsSetBackSealsNothingUnderWhatItHasNoMore(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	codec := events.NewCodec(open(t, url))
	said := events.Proposed{ID: uuid.New(), Event: events.MessageEdited{AuthorID: uuid.New(), Content: "hi"}}
	said.Meta.Actor, said.Meta.At = "cli", time.Now().UTC()
	if _, err := codec.Encode(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, how := range []string{
		`create table newest as table vault.keys; drop schema vault cascade; create schema vault;
create table vault.keys (subject uuid primary key, key bytea not null)`,
		`truncate vault.keys`,
		`delete from vault.keys; select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'annals vault' and datname = current_database()`,
	} {
		if _, err := conn.Exec(t.Context(), how, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		sealed := func() error { _, err := codec.Encode(t.Context(), said); return err }
		within(t, func() bool { return errors.Is(sealed(), events.ErrKeysLost) })
		if lost, _, err := codec.Lost(t.Context()); len(lost) != 1 || err != nil {
			t.Errorf("%v are lost: %v", lost, err)
		}
		if _, err := conn.Exec(t.Context(), `insert into vault.keys table newest`); err != nil {
			t.Fatal(err)
		}
		if lost, _, err := codec.Lost(t.Context()); len(lost) != 0 || err != nil {
			t.Errorf("%v are lost after they were put back: %v", lost, err)
		}
		if err := sealed(); err != nil {
			t.Error(err)
		}
	}
}

func within(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute")
		}
	}
}

func TestNodesShareTheirSecrets(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	a, b := open(t, url), open(t, url)
	if salt, err := a.Secret(t.Context(), "secrets", ""); salt != "" || err != nil {
		t.Errorf("before: %q, %v", salt, err)
	}
	if key, err := a.Key(t.Context(), uuid.New(), false); key != nil || err != nil {
		t.Errorf("without a vault: %v", err)
	}
	first, errA := a.Secret(t.Context(), "secrets", "one")
	second, errB := b.Secret(t.Context(), "secrets", "two")
	other, errC := b.Secret(t.Context(), "tee", "three")
	if errA != nil || errB != nil || errC != nil || first != "one" || second != "one" || other != "three" {
		t.Errorf("%q, %v; %q, %v; %q, %v", first, errA, second, errB, other, errC)
	}
}
