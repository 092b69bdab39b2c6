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

	"annals/events"
	"annals/transport/secrets"
)

// secretVault encrypts agents' secrets under SECRET_SALT, or under the salt of this server, which it makes when it is first needed.
// What the other one encrypted can still be read. While PostgreSQL has the salt and is away, nothing is encrypted.
func (b *Backends) secretVault(ctx context.Context) secrets.Vault {
	return secrets.Late(func() ([]string, error) {
		salts, err := b.salts(ctx)
		if err != nil && !errors.Is(err, events.ErrKeysLost) {
			err = fmt.Errorf("%w: salt of agents' secrets: %w", events.ErrKeysUnreachable, err)
		}
		return salts, err
	})
}

// salts returns the salts of agents' secrets, the one that encrypts first.
func (b *Backends) salts(ctx context.Context) ([]string, error) {
	all, _, err := b.Codec.Lost(ctx)
	if err != nil {
		return nil, err
	}
	own, err := b.salt(ctx, b.options.SecretSalt == "" && len(all) == 0) // where keys are lost, the salt is among them
	switch {
	case err != nil:
		return nil, err
	case b.options.SecretSalt != "" && own != "":
		return []string{b.options.SecretSalt, own}, nil
	case b.options.SecretSalt != "":
		return []string{b.options.SecretSalt}, nil
	case own == "":
		return nil, events.ErrKeysLost
	}
	return []string{own}, nil
}

// HasSalt reports whether there is a salt under which agents' secrets were encrypted: a setting, or one of this server.
func (b *Backends) HasSalt(ctx context.Context, setting string) (bool, error) {
	if setting != "" {
		return true, nil
	}
	own, err := b.salt(ctx, false)
	return own != "", err
}

// salt reads the salt of this server; it is empty where there is none.
func (b *Backends) salt(ctx context.Context, create bool) (string, error) {
	fresh := ""
	if create {
		fresh = rand.Text()
	}
	return b.secret(ctx, "secrets", filepath.Join(KeysIn(b.folder), "salt"), fresh)
}

// secret reads a secret of this server from where the keys are: from the vault, by its name, or from a file. Where there is none, fresh
// becomes it, unless that is empty.
func (b *Backends) secret(ctx context.Context, name, path, fresh string) (string, error) {
	if b.vault != nil {
		return b.vault.Secret(ctx, name, fresh)
	}
	return fileSecret(path, fresh)
}

func fileSecret(path, fresh string) (string, error) {
	for {
		text, err := os.ReadFile(path)
		switch secret := strings.TrimSpace(string(text)); {
		case err == nil && secret == "":
			return "", fmt.Errorf("%s is empty: restore it from a backup", path)
		case err == nil:
			return secret, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case fresh == "":
			return "", nil
		}
		if err := makeSecret(path, fresh); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}

// makeSecret writes a secret under a name of its own and links it into place, so that no crash leaves half of it.
func makeSecret(path, secret string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(secret + "\n")
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
