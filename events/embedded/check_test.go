package embedded_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t testing.TB, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("wanted (-), got (+):\n%s", d)
	}
}

func holds(t testing.TB, condition bool, what string) {
	t.Helper()
	if !condition {
		t.Fatal(what)
	}
}
