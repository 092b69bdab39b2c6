package chain

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events/esdb/esdbtest"
)

// BenchmarkAppend measures what an append costs without a chain, and beside one that is extended, with its tree and its signature, a hundred
// times as often as a server does.
func BenchmarkAppend(b *testing.B) {
	b.Run("alone", func(b *testing.B) {
		log := esdbtest.New(b)
		for b.Loop() {
			sayIn(log)
		}
	})
	b.Run("beside the chain", func(b *testing.B) {
		log := esdbtest.New(b)
		k := NewKeeper(HeadWriter{Path: filepath.Join(b.TempDir(), "chain"), ID: uuid.New(), Log: log, Key: keyOf(7), Now: time.Now}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error)
		go func() { ended <- k.Keep(ctx) }()
		go func() {
			for ctx.Err() == nil {
				_, _ = k.SignNow(ctx)
				time.Sleep(headEvery / 100)
			}
		}()
		for b.Loop() {
			sayIn(log)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	})
}
