package postgres

import "context"

// installBrew installs with Homebrew, whose pgvector is built for postgresql@17. It is the one way of installing that
// could not be run where this was written: no macOS machine was at hand.
func installBrew(ctx context.Context, m machine, _ []server) error {
	m.say("installing postgresql@17 and pgvector with Homebrew")
	return run(ctx, "", "brew", "install", "postgresql@17", "pgvector")
}
