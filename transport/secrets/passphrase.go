package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"annals/events"
)

// A secret in an export is sealed with a passphrase, since the server that imports it has another salt. It is written
// "annals-sealed:1:" and, in base64, salt, nonce and the ciphertext of AES-256-GCM; the key is PBKDF2 of passphrase and salt.
const (
	exportedPrefix = "annals-sealed:1:"
	exportedSalt   = 16
	iterations     = 600_000 // as OWASP advises for HMAC-SHA-256
)

// ErrPassphrase: the secrets were sealed with another passphrase, or changed since.
var ErrPassphrase = errors.New("the passphrase is not the one that the secrets were sealed with")

// Passphrase seals and opens the secrets of one export. It derives a key once for each salt, and an export has one.
type Passphrase struct {
	text string
	salt []byte
	aead cipher.AEAD
}

// NewPassphrase seals with a passphrase.
func NewPassphrase(text string) *Passphrase { return &Passphrase{text: text} }

// under derives the key of a salt.
func (p *Passphrase) under(salt []byte) error {
	if string(p.salt) == string(salt) && p.aead != nil {
		return nil
	}
	key, err := pbkdf2.Key(sha256.New, p.text, salt, iterations, 32)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	p.salt = salt
	p.aead, err = cipher.NewGCM(block)
	return err
}

// Export seals the texts among the secrets of a character, decrypted, for an import elsewhere.
func (v Vault) Export(all map[string]events.Secret, p *Passphrase) (map[string]events.Secret, error) {
	if err := v.Ready(); err != nil {
		return nil, err
	}
	salt := make([]byte, exportedSalt)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return mapTexts(all, func(name, text string) (string, error) {
		if text == "" {
			return text, nil
		}
		if err := p.under(salt); err != nil {
			return "", err
		}
		nonce := make([]byte, p.aead.NonceSize())
		_, _ = rand.Read(nonce)
		sealed := p.aead.Seal(append(append([]byte{}, salt...), nonce...), nonce, []byte(v.Decrypt(text)), []byte(name))
		return exportedPrefix + base64.StdEncoding.EncodeToString(sealed), nil
	})
}

// Import opens the secrets of a character that Export sealed, so that they are in clear until Seal; p is nil where the client
// gave no passphrase. What is not sealed stays as it is.
func Import(character json.RawMessage, p *Passphrase) (json.RawMessage, error) {
	var whole, settings map[string]json.RawMessage
	var all map[string]events.Secret
	if json.Unmarshal(character, &whole) != nil || json.Unmarshal(whole["settings"], &settings) != nil || json.Unmarshal(settings["secrets"], &all) != nil {
		return character, nil // no character, or one without secrets
	}
	opened, err := mapTexts(all, func(name, text string) (string, error) {
		body, sealed := strings.CutPrefix(text, exportedPrefix)
		if !sealed {
			return text, nil
		}
		if p == nil {
			return "", errors.New("the secrets are sealed with a passphrase: send it in X-Annals-Passphrase")
		}
		return p.open(name, body)
	})
	if err != nil {
		return nil, err
	}
	if settings["secrets"], err = json.Marshal(opened); err != nil {
		return nil, err
	}
	if whole["settings"], err = json.Marshal(settings); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

func (p *Passphrase) open(name, body string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil || len(raw) < exportedSalt {
		return "", fmt.Errorf("the secret %s is broken", name)
	}
	if err := p.under(raw[:exportedSalt]); err != nil {
		return "", err
	}
	if raw = raw[exportedSalt:]; len(raw) < p.aead.NonceSize() {
		return "", fmt.Errorf("the secret %s is broken", name)
	}
	text, err := p.aead.Open(nil, raw[:p.aead.NonceSize()], raw[p.aead.NonceSize():], []byte(name))
	if err != nil {
		return "", ErrPassphrase
	}
	return string(text), nil
}

// mapTexts changes those of the secrets that are texts.
func mapTexts(all map[string]events.Secret, change func(name, text string) (string, error)) (map[string]events.Secret, error) {
	changed := make(map[string]events.Secret, len(all))
	for name, s := range all {
		var text string
		if changed[name] = s; json.Unmarshal(s.Reveal(), &text) != nil || string(s.Reveal()) == "null" {
			continue
		}
		text, err := change(name, text)
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		changed[name] = events.NewSecret(raw)
	}
	return changed, nil
}
