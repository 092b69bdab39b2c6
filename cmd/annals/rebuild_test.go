package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// rebuilding is `annals rebuild` as a process, which is killed when the context ends.
func rebuilding(ctx context.Context, settings []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"rebuild"}, args...)...)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=warn"), settings...)
	return cmd
}

// rebuild runs it, for everything unless something is named.
func rebuild(ctx context.Context, settings []string, args ...string) (string, error) {
	if len(args) == 0 {
		args = []string{"--all"}
	}
	said, err := rebuilding(ctx, settings, args...).CombinedOutput()
	return string(said), err
}

func TestCrashesOfARebuildUnderLoadHurtNobody(t *testing.T) {
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	writers := []*writer{
		{channel: p.channel(t, "GROUP"), ids: map[string]string{}}, {channel: p.channel(t, "GROUP"), ids: map[string]string{}},
	}
	for range setting("ANNALS_CRASHES", 3, 100) {
		underLoad(t.Context(), p.client, writers, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(500))*time.Millisecond)
			defer cancel()
			if said, err := rebuild(ctx, settings); err != nil && ctx.Err() == nil {
				t.Errorf("the rebuild failed by itself: %v: %s", err, said)
			}
		})
	}
	p.stop(t) // what was under way without an answer has happened now, or never will
	p = spawn(t, settings...)
	for _, w := range writers {
		w.verify(t, p.client, "")
	}
	live := p.messages(t, writers[0].channel)
	said, err := rebuild(t.Context(), settings)
	if err != nil || !strings.Contains(said, "rebuilt agents, servers") {
		t.Fatalf("%v: %s", err, said)
	}
	if again := p.messages(t, writers[0].channel); !slices.Equal(again, live) {
		t.Errorf("%d messages live, %d rebuilt, or others", len(live), len(again))
	}
	for _, w := range writers {
		w.verify(t, p.client, "")
	}
	p.stop(t)
	if said, err := rebuild(t.Context(), settings); err != nil {
		t.Fatalf("without a server: %v: %s", err, said)
	}
	p = spawn(t, settings...)
	if again := p.messages(t, writers[0].channel); !slices.Equal(again, live) {
		t.Errorf("%d messages live, %d rebuilt without a server, or others", len(live), len(again))
	}
}
