package secrets

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
)

func TestSecretsAreEncryptedAsElizaOSDoes(t *testing.T) {
	t.Parallel()
	v := New("secretsalt")
	var iv [16]byte
	for i := range iv {
		iv[i] = 7
	}
	if got := v.encrypt("plain", iv); got != "07070707070707070707070707070707:1bda8757dc3e905ba5c8fceff397bbca" {
		t.Errorf("encrypted: %s", got)
	}
	for text, want := range map[string]bool{
		"plain": false, "a:b": false, strings.Repeat("07", 16) + ":x": true, strings.Repeat("07", 16) + ":x:y": false,
		strings.Repeat("07", 16) + "zz:x": true, strings.Repeat("07", 15) + "zz:x": false, strings.Repeat("07", 17) + ":x": false,
	} {
		if IsEncrypted(text) != want {
			t.Errorf("%q is encrypted: %v", text, !want)
		}
	}
	sealed, err := v.Seal(json.RawMessage(`{"name":"x","secrets":{"TOP":"t"},"settings":{"secrets":{"A":"a","E":"","N":5,"B":true,"X":null}}}`), random)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Secrets  map[string]any
		Settings struct{ Secrets map[string]any }
	}
	if err := json.Unmarshal(sealed, &c); err != nil {
		t.Fatal(err)
	}
	in := c.Settings.Secrets
	if !IsEncrypted(in["A"].(string)) || !IsEncrypted(c.Secrets["TOP"].(string)) || in["E"] != "" || in["N"] != 5.0 || in["B"] != true {
		t.Errorf("sealed: %s", sealed)
	}
	if again, err := v.Seal(sealed, random); err != nil || !strings.Contains(string(again), in["A"].(string)) {
		t.Errorf("sealed twice: %s %v", again, err)
	}
}

func random(string) (iv [16]byte) {
	_, _ = rand.Read(iv[:]) // never fails
	return iv
}
