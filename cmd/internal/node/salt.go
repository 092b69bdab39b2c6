package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"annals/transport/secrets"
)

// secretVault encrypts agents' secrets under SECRET_SALT, or under the salt of this server, which it makes at the first start.
// What the other one encrypted can still be read.
func (b *Backends) secretVault(ctx context.Context) (secrets.Vault, error) {
	var earlier []string
	all, _, err := b.Codec.Lost(ctx)
	if err != nil {
		return secrets.Vault{}, err
	}
	create := b.options.SecretSalt == "" && len(all) == 0 // where keys are lost, the salt is among them
	own, err := b.salt(ctx, create)
	switch {
	case err != nil:
		return secrets.Vault{}, fmt.Errorf("salt of agents' secrets: %w", err)
	case b.options.SecretSalt != "":
		if own != "" {
			earlier = append(earlier, own)
		}
		return secrets.New(b.options.SecretSalt, earlier...), nil
	case own == "": // nothing is encrypted until the keys are back
		own = rand.Text()
	}
	return secrets.New(own), nil
}

// salt reads the salt of this server, from where the keys are; it is empty where there is none.
func (b *Backends) salt(ctx context.Context, create bool) (string, error) {
	if b.vault != nil {
		return b.vault.Salt(ctx, create)
	}
	return fileSalt(filepath.Join(KeysIn(b.folder), "salt"), create)
}

func fileSalt(path string, create bool) (string, error) {
	for {
		text, err := os.ReadFile(path)
		switch salt := strings.TrimSpace(string(text)); {
		case err == nil && salt == "":
			return "", fmt.Errorf("%s is empty: restore it from a backup", path)
		case err == nil:
			return salt, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case !create:
			return "", nil
		}
		if err := makeSalt(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}

// makeSalt writes a salt under a name of its own and links it into place, so that no crash leaves half of it.
func makeSalt(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(rand.Text() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
