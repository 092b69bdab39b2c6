// Package secrets encrypts the secrets of agents in ElizaOS's own form (CONTRACT 2.3): AES-256-CBC under the SHA-256 of a salt, written
// "hex(iv):hex(ciphertext)".
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"unicode/utf8"

	"annals/events"
)

// legacySalt is ElizaOS's default, under which earlier releases encrypted.
const legacySalt = "secretsalt"

// Vault encrypts under one salt, and decrypts what that or an earlier one encrypted.
type Vault struct {
	ciphers func() ([]cipher.Block, error) // the first one encrypts
}

// New makes a vault that encrypts under a salt. It also decrypts what the earlier salts encrypted, and ElizaOS's default one.
func New(salt string, earlier ...string) Vault {
	blocks := blocksOf(append([]string{salt}, earlier...))
	return Vault{func() ([]cipher.Block, error) { return blocks, nil }}
}

// Late makes a vault whose salts, the one that encrypts first, are read when they are first needed. As long as they cannot be
// read, nothing is encrypted: Seal and Export return the error.
func Late(read func() (salts []string, err error)) Vault {
	var mu sync.Mutex
	var blocks []cipher.Block
	return Vault{func() ([]cipher.Block, error) {
		mu.Lock()
		defer mu.Unlock()
		if blocks != nil {
			return blocks, nil
		}
		salts, err := read()
		if err == nil {
			blocks = blocksOf(salts)
		}
		return blocks, err
	}}
}

func blocksOf(salts []string) (blocks []cipher.Block) {
	for _, s := range append(salts, legacySalt) {
		key := sha256.Sum256([]byte(s))
		block, err := aes.NewCipher(key[:])
		if err != nil {
			panic(err) // only for a key of another length
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// Ready returns the error that the salts cannot be read, where Late made the vault.
func (v Vault) Ready() error {
	_, err := v.ciphers()
	return err
}

// Decrypt returns the text of a secret, and anything that is not encrypted under one of the salts as it is, as ElizaOS does; also
// as long as the salts cannot be read.
func (v Vault) Decrypt(secret string) string {
	text, _ := v.decrypt(secret)
	return text
}

// decrypt also tells which of the blocks decrypted, -1 for none.
func (v Vault) decrypt(secret string) (text string, by int) {
	head, body, _ := strings.Cut(secret, ":")
	iv, badIV := hex.DecodeString(head)
	sealed, badText := hex.DecodeString(body)
	if badIV != nil || badText != nil || len(iv) != aes.BlockSize || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return secret, -1
	}
	blocks, _ := v.ciphers()
	for i, block := range blocks {
		padded := make([]byte, len(sealed))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(padded, sealed)
		pad := int(padded[len(padded)-1])
		if pad == 0 || pad > aes.BlockSize || string(padded[len(padded)-pad:]) != strings.Repeat(string(rune(pad)), pad) {
			continue
		}
		// Under another salt one text in 256 ends as a padded one does; its bytes are no text.
		if text := padded[:len(padded)-pad]; utf8.Valid(text) {
			return string(text), i
		}
	}
	return secret, -1
}

// Opens reports whether a secret can be used: it is in clear, or one of the salts decrypts it.
func (v Vault) Opens(s events.Secret) bool {
	var secret string
	if json.Unmarshal(s.Reveal(), &secret) != nil || !IsEncrypted(secret) {
		return true
	}
	_, by := v.decrypt(secret)
	return by >= 0
}

// Renew encrypts a secret anew that an earlier salt encrypted. All else stays as it is.
func (v Vault) Renew(name string, s events.Secret, begin Vector) events.Secret {
	var secret string
	if json.Unmarshal(s.Reveal(), &secret) != nil {
		return s
	}
	renewed, err := json.Marshal(v.renew(name, secret, begin))
	if err != nil {
		return s // never: it is a text
	}
	return events.NewSecret(renewed)
}

func (v Vault) renew(name, secret string, begin Vector) string {
	if text, by := v.decrypt(secret); by > 0 {
		return v.encrypt(text, begin(name))
	}
	return secret
}
