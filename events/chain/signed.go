package chain

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"annals/events"
)

// FormatHead names the form of a signed head, in the signed bytes as well.
const FormatHead = "annals-head-v1"

// SignedHead says what a log is up to a position, signed by the identity key of the server. A log can be held against a head that
// was kept where the operator of the server cannot change it.
type SignedHead struct {
	Format    string       `json:"format" doc:"annals-head-v1."`
	Position  events.Token `json:"position" doc:"That of the last event that the head covers."`
	Events    int64        `json:"events" doc:"How many events it covers."`
	Head      Hash         `json:"head" doc:"The hash chain over them."`
	Tree      Hash         `json:"tree" doc:"The root of the Merkle tree over them (RFC 9162)."`
	At        time.Time    `json:"at" doc:"When it was signed."`
	PublicKey string       `json:"publicKey" doc:"The Ed25519 key of the server, in hexadecimal digits."`
	Signature string       `json:"signature" doc:"Over all of this, each behind its length in 4 bytes."`
}

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Bytes are what is signed: each part behind its length, so that no two heads have the same bytes.
func (h SignedHead) Bytes() []byte {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	return Prefixed([]byte(FormatHead), h.Position.Log[:], number(uint64(h.Position.Position)), number(uint64(h.Events)), h.Head[:], h.Tree[:],
		[]byte(h.At.UTC().Format(timeFormat)))
}

// Prefixed joins parts, each behind its length in 4 bytes. No two lists of parts give the same bytes.
func Prefixed(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = binary.BigEndian.AppendUint32(all, uint32(len(p)))
		all = append(all, p...)
	}
	return all
}

// sign signs the head under a key.
func (h *SignedHead) sign(key ed25519.PrivateKey) {
	h.Format = FormatHead
	h.PublicKey = hex.EncodeToString(key.Public().(ed25519.PublicKey))
	h.Signature = hex.EncodeToString(ed25519.Sign(key, h.Bytes()))
}

// Check reports why the signature is not that of the key that the head names. Whether to trust the key is another question.
func (h SignedHead) Check() error {
	if h.Format != FormatHead {
		return fmt.Errorf("%.40q is no form of a head that this build knows", h.Format)
	}
	key, err := hex.DecodeString(h.PublicKey)
	signature, err2 := hex.DecodeString(h.Signature)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, h.Bytes(), signature) {
		return fmt.Errorf("the head at position %d does not have the signature of its key %s", h.Position.Position, h.PublicKey)
	}
	return nil
}
