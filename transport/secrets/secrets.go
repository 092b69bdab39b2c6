// Package secrets encrypts the secrets of agents in ElizaOS's own form (CONTRACT 2.3): AES-256-CBC under the SHA-256 of a salt, written
// "hex(iv):hex(ciphertext)".
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Vault encrypts and decrypts under one salt.
type Vault struct{ block cipher.Block }

// New makes a vault of a salt.
func New(salt string) Vault {
	key := sha256.Sum256([]byte(salt))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	return Vault{block}
}

// Decrypt returns the text of a secret, and anything that is not encrypted under the salt as it is, as ElizaOS does.
func (v Vault) Decrypt(secret string) string {
	head, body, _ := strings.Cut(secret, ":")
	iv, badIV := hex.DecodeString(head)
	text, badText := hex.DecodeString(body)
	if badIV != nil || badText != nil || len(iv) != aes.BlockSize || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return secret
	}
	cipher.NewCBCDecrypter(v.block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize || string(text[len(text)-pad:]) != strings.Repeat(string(rune(pad)), pad) {
		return secret
	}
	return string(text[:len(text)-pad])
}
