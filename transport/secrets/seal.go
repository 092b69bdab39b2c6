package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// encrypt must follow Ready.
func (v Vault) encrypt(text string, iv [aes.BlockSize]byte) string {
	blocks, _ := v.ciphers()
	pad := aes.BlockSize - len(text)%aes.BlockSize
	padded := append([]byte(text), strings.Repeat(string(rune(pad)), pad)...)
	cipher.NewCBCEncrypter(blocks[0], iv[:]).CryptBlocks(padded, padded)
	return hex.EncodeToString(iv[:]) + ":" + hex.EncodeToString(padded)
}

// IsEncrypted takes a text for encrypted as ElizaOS does: two parts, the first an IV, of which reading stops at the first
// digit that is none.
func IsEncrypted(s string) bool {
	iv, rest, ok := strings.Cut(s, ":")
	if !ok || strings.Contains(rest, ":") {
		return false
	}
	digits := strings.IndexFunc(iv, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) })
	if digits < 0 {
		digits = len(iv)
	}
	return digits/2 == aes.BlockSize
}

// Vector is the start of an encryption: of the secret of that name.
type Vector func(name string) [aes.BlockSize]byte

// Seal encrypts the strings among the secrets of a character, or of a change to one: those in its settings and those at its
// top level; what an earlier salt encrypted is encrypted anew. What is no character is given back as it is, for others to refuse.
func (v Vault) Seal(character json.RawMessage, begin Vector) (json.RawMessage, error) {
	var whole, settings map[string]json.RawMessage
	if json.Unmarshal(character, &whole) != nil || whole == nil {
		return character, nil
	}
	if json.Unmarshal(whole["settings"], &settings) == nil && settings["secrets"] != nil {
		sealed, err := v.sealAll(settings["secrets"], begin)
		if err != nil {
			return nil, err
		}
		settings["secrets"] = sealed
		if whole["settings"], err = json.Marshal(settings); err != nil {
			return nil, err
		}
	} else if whole["secrets"] == nil {
		return character, nil
	}
	if whole["secrets"] != nil {
		sealed, err := v.sealAll(whole["secrets"], begin)
		if err != nil {
			return nil, err
		}
		whole["secrets"] = sealed
	}
	return json.Marshal(whole)
}

func (v Vault) sealAll(secrets json.RawMessage, begin Vector) (json.RawMessage, error) {
	if err := v.Ready(); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(secrets, &all) != nil || all == nil {
		return secrets, nil
	}
	for name, value := range all {
		var text string
		if json.Unmarshal(value, &text) != nil || text == "" {
			continue
		}
		if IsEncrypted(text) {
			text = v.renew(name, text, begin)
		} else {
			text = v.encrypt(text, begin(name))
		}
		sealed, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		all[name] = sealed
	}
	return json.Marshal(all)
}
