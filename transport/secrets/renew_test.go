package secrets

import (
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"annals/events"
)

func secretOf(text string) events.Secret {
	raw, _ := json.Marshal(text) // a text always can be
	return events.NewSecret(raw)
}

func textOf(t *testing.T, s events.Secret) (text string) {
	t.Helper()
	if err := json.Unmarshal(s.Reveal(), &text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatAnEarlierSaltEncryptedIsReadAndEncryptedAnew(t *testing.T) {
	t.Parallel()
	now := New("now", "before")
	for _, salt := range []string{"now", "before", legacySalt, "a stranger's"} {
		alone := Vault{func() ([]cipher.Block, error) { return blocksOf([]string{"now"})[:1], nil }}
		for i := range 300 { // under a wrong salt, one text in 256 is padded as a right one
			plain := fmt.Sprint("secret ", i)
			sealed := New(salt).encrypt(plain, random(""))
			got, renewed := now.Decrypt(sealed), textOf(t, now.Renew("K", secretOf(sealed), random))
			switch salt {
			case "a stranger's":
				if got != sealed || renewed != sealed {
					t.Fatalf("a stranger's reads %q, renewed %q", got, renewed)
				}
			case "now":
				if got != plain || renewed != sealed {
					t.Fatalf("the current one's reads %q, renewed %q", got, renewed)
				}
			default:
				if got != plain || renewed == sealed || alone.Decrypt(renewed) != plain {
					t.Fatalf("%s reads %q, renewed %q", salt, got, renewed)
				}
			}
		}
	}
	legacy := New(legacySalt).encrypt("plain", random(""))
	sealed, err := now.Seal(json.RawMessage(`{"settings":{"secrets":{"K":"`+legacy+`"}}}`), random)
	if err != nil || strings.Contains(string(sealed), legacy) {
		t.Errorf("sealed: %s, %v", sealed, err)
	}
}

func TestExportedSecretsOpenUnderAnotherSaltWithTheirPassphraseAlone(t *testing.T) {
	t.Parallel()
	here, there := New("here"), New("there")
	all := map[string]events.Secret{
		"KEY": secretOf(here.encrypt("plain", random(""))), "OLD": secretOf(New(legacySalt).encrypt("old", random(""))),
		"N": events.NewSecret(json.RawMessage(`5`)), "EMPTY": secretOf(""), "NULL": events.NewSecret(json.RawMessage(`null`)),
	}
	exported, err := here.Export(all, NewPassphrase("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"name": "A", "settings": map[string]any{"secrets": exported, "model": "m"}})
	if err != nil || strings.Contains(string(raw), "plain") {
		t.Fatalf("%s, %v", raw, err)
	}
	opened, err := Import(raw, NewPassphrase("correct horse"))
	if err == nil {
		opened, err = there.Seal(opened, random)
	}
	var c struct {
		Settings struct{ Secrets map[string]any }
	}
	if err := errors.Join(err, json.Unmarshal(opened, &c)); err != nil {
		t.Fatal(err)
	}
	got := c.Settings.Secrets
	if there.Decrypt(got["KEY"].(string)) != "plain" || there.Decrypt(got["OLD"].(string)) != "old" || got["N"] != 5.0 || got["EMPTY"] != "" || got["NULL"] != nil {
		t.Errorf("imported: %s", opened)
	}
	if _, err := Import(raw, NewPassphrase("another horse")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	if _, err := Import(raw, nil); err == nil || !strings.Contains(err.Error(), "X-Annals-Passphrase") {
		t.Errorf("no passphrase: %v", err)
	}
	moved := strings.Replace(string(raw), `"KEY"`, `"OTHER"`, 1)
	if _, err := Import(json.RawMessage(moved), NewPassphrase("correct horse")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a secret under another name: %v", err)
	}
}

// A vault encrypts nothing while its salts cannot be read, and encrypts once they can.
func TestALateVaultEncryptsOnceItsSaltsAreThere(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	late := Late(func() ([]string, error) { return []string{"now"}, away })
	character := json.RawMessage(`{"settings":{"secrets":{"K":"plain"}}}`)
	if sealed, err := late.Seal(character, random); !errors.Is(err, away) {
		t.Errorf("sealed: %s, %v", sealed, err)
	}
	if _, err := late.Export(nil, NewPassphrase("p")); !errors.Is(err, away) {
		t.Errorf("exported: %v", err)
	}
	before := New("now").encrypt("plain", random(""))
	if text := late.Decrypt(before); text != before {
		t.Errorf("decrypted: %s", text)
	}
	away = nil
	if _, err := late.Seal(character, random); err != nil {
		t.Error(err)
	}
	if text := late.Decrypt(before); text != "plain" {
		t.Errorf("decrypted: %s", text)
	}
}
