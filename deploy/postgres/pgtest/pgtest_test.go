package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

func TestEachTestHasAnEmptyDatabaseWithVectors(t *testing.T) {
	for range 2 {
		t.Run("same table", func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.New(t))
			var distance float64
			if _, err := conn.Exec(t.Context(), "create table notes (v vector(2)); insert into notes values ('[3,4]')"); err != nil {
				t.Fatal(err)
			}
			if err := conn.QueryRow(t.Context(), "select v <-> '[0,0]' from notes").Scan(&distance); err != nil || distance != 5 {
				t.Fatalf("distance %v, error %v", distance, err)
			}
		})
	}
}

func TestATemplateIsPreparedOnceAndCopiedForEachTest(t *testing.T) {
	var template pgtest.Template
	prepared := 0
	prepare := func(url string) {
		prepared++
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "create table notes (n int); insert into notes values (1)"); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		conn := connect(t, template.New(t, prepare))
		var n int
		if err := conn.QueryRow(t.Context(), "select count(*) from notes").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows: %v", n, err)
		}
		if _, err := conn.Exec(t.Context(), "insert into notes values (2)"); err != nil {
			t.Error(err)
		}
	}
	if prepared != 1 {
		t.Errorf("it was prepared %d times", prepared)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestAnOwnClusterAnswers(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Own(t).URL())
	if err := conn.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}
