// Package attest is what the server can prove of itself: the root that its keys derive from, and evidence of the machine it runs on.
package attest

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"annals/events/chain"
)

// RootSize is the size of a root, in bytes.
const RootSize = 32

// Software is a root that lies on a disk. It protects nothing against a reader of the data folder.
const Software = "software"

// NoEvidence: nothing vouches for the machine.
const NoEvidence = "none"

// Root is the secret that all keys of a server derive from. It prints as its id.
type Root struct {
	kind   string
	secret [RootSize]byte
}

// NewRoot is a root of a kind.
func NewRoot(kind string, secret []byte) (Root, error) {
	if len(secret) != RootSize {
		return Root{}, fmt.Errorf("the %s root has %d bytes, not %d", kind, len(secret), RootSize)
	}
	return Root{kind, [RootSize]byte(secret)}, nil
}

// Kind is where the root comes from.
func (r Root) Kind() string { return r.kind }

// The salt and the beginning of the info of every derivation. They never change: with them would all keys.
const (
	salt = "annals-tee-v1"
	info = "annals-tee-v1-key"
)

// derive derives a key. Paths are flat: a/b is no child of a. The algorithm is bound, so that no two share a secret.
func (r Root) derive(algorithm, path, subject string, length int) []byte {
	of := chain.Prefixed([]byte(info), []byte(algorithm), []byte(path), []byte(subject))
	key, err := hkdf.Key(sha256.New, r.secret[:], []byte(salt), string(of), length)
	if err != nil {
		panic(err) // only for a length of more than 8 KiB
	}
	return key
}

// identityPath is that of the identity key. Callers derive no key whose path begins as it does.
const identityPath = "annals/identity"

// Identity is the key that signs what the server says of itself.
func (r Root) Identity() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(r.derive("ed25519", identityPath, "", ed25519.SeedSize))
}

// PublicKey is that of the identity, in hexadecimal digits.
func (r Root) PublicKey() string {
	return hex.EncodeToString(r.Identity().Public().(ed25519.PublicKey))
}

// ID tells roots apart: the beginning of a hash over the public key of the identity.
func (r Root) ID() string {
	sum := sha256.Sum256(r.Identity().Public().(ed25519.PublicKey))
	return hex.EncodeToString(sum[:8])
}

// String implements fmt.Stringer.
func (r Root) String() string { return r.kind + " root " + r.ID() }

// Format implements fmt.Formatter: no verb shows the secret.
func (r Root) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }
