package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"annals/transport/limits"
)

// valueOf is a bound as the page shows it.
func valueOf(b limits.Bound) string {
	switch {
	case b.Unit == limits.Time:
		d := b.Duration().String()
		if b.Duration() >= time.Minute {
			d = strings.TrimSuffix(d, "0s")
		}
		return d
	case b.Unit == limits.Count:
		return fmt.Sprint(b.Value)
	case b.Value%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", b.Value>>30)
	case b.Value%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", b.Value>>20)
	case b.Value%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", b.Value>>10)
	}
	return fmt.Sprintf("%d bytes", b.Value)
}

// The page that operators read has the table that the code uses. With -update it is written.
func TestThePageOfLimitsHasEveryBoundOfTheSurface(t *testing.T) {
	t.Parallel()
	const page, head = "../../deploy/docs/limits.md", "| bound | what is bounded | per | at most | at the bound |\n| --- | --- | --- | --- | --- |\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, table, found := strings.Cut(string(text), head)
	if !found {
		t.Fatal("the page has no table")
	}
	table, after, _ := strings.Cut(table, "\n\n")
	var want strings.Builder
	for _, b := range limits.All() {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", b.Name, b.What, b.Per, valueOf(b), b.Answer)
	}
	if *update {
		if after != "" {
			after = "\n" + after
		}
		if err := os.WriteFile(page, []byte(before+head+want.String()+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := strings.TrimSuffix(table, "\n") + "\n"; got != want.String() {
		for line := range strings.Lines(want.String()) {
			if !strings.Contains(got, line) {
				t.Errorf("the page lacks %s", line)
			}
		}
		for line := range strings.Lines(got) {
			if !strings.Contains(want.String(), line) {
				t.Errorf("there is no such bound: %s", line)
			}
		}
		t.Error("go test ./cmd/annals -run Surface -update writes it")
	}
}
