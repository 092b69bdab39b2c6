package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"annals/commands"
	"annals/events"
	"annals/events/chain"
	"annals/projections"
	"annals/transport/attest"
)

// RootIn is where a data folder has the root of a server's keys.
func RootIn(dir string) string { return filepath.Join(dir, "tee", "root") }

// root reads the root that the keys of this server derive from, and makes it where there is none.
func (b *Backends) root(ctx context.Context) (attest.Root, error) {
	path := RootIn(b.folder)
	if b.vault == nil {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return attest.Root{}, err
		}
	}
	fresh := make([]byte, attest.RootSize)
	_, _ = rand.Read(fresh) // never fails, see crypto/rand
	text, err := b.secret(ctx, "tee", path, hex.EncodeToString(fresh))
	if err != nil {
		return attest.Root{}, err
	}
	secret, err := hex.DecodeString(text)
	if err != nil {
		return attest.Root{}, fmt.Errorf("%s is damaged: restore it from a backup", path) // the error would show a part of it
	}
	return attest.NewRoot(attest.Software, secret)
}

// identity returns the key that signs heads, once the log records to which server it belongs.
func (s *server) identity(ctx context.Context) (ed25519.PrivateKey, error) {
	r, err := s.backends.root(ctx)
	if err != nil {
		return nil, err
	}
	found := events.TeeRootFound{TeeID: s.logID, RootID: r.ID(), Root: r.Kind(), Evidence: attest.NoEvidence, PublicKey: r.PublicKey()}
	if _, err := commands.Handle(ctx, s.env, ByCLI(s.Clock()), commands.RecordRoot{Found: found}); err != nil {
		return nil, err
	}
	return r.Identity(), nil
}

// sendHeads returns what gives signed heads to HEADS_TO, from the node that projects; nil without the setting.
func (s *server) sendHeads() func(context.Context, chain.SignedHead) error {
	if s.HeadsTo == "" {
		return nil
	}
	return func(ctx context.Context, h chain.SignedHead) error {
		if !s.feed.Projects(projections.GroupCore) {
			return nil
		}
		n, err := attest.NewNotary(s.HeadsTo)
		if err != nil {
			return err
		}
		return n.Send(ctx, h)
	}
}

// checkHeadsTo refuses a place that heads cannot be sent to.
func checkHeadsTo(to string) error {
	if to == "" {
		return nil
	}
	if _, err := attest.NewNotary(to); err != nil {
		return fmt.Errorf("HEADS_TO: %w", err)
	}
	return nil
}
