package events

import (
	"crypto/sha1"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// ParseID reads 8-4-4-4-12 hexadecimal digits of either case and any version (CONTRACT 1.3).
func ParseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, fmt.Errorf("%.40q is no UUID", s)
	}
	return id, nil
}

// ParseServerID is ParseID where "0" is the default server.
func ParseServerID(s string) (uuid.UUID, error) {
	if s == "0" {
		return DefaultServer, nil
	}
	return ParseID(s)
}

// StringToUUID derives an id from text exactly as ElizaOS does (CONTRACT 2.1): the SHA-1 of the percent-encoded text
// with version nibble 0. "Eliza" gives b850bc30-45f8-0041-a00a-83df46d8555d.
func StringToUUID(s string) uuid.UUID {
	sum := sha1.Sum([]byte(encodeURIComponent(s)))
	id := uuid.UUID(sum[:16])
	id[6] &= 0x0f
	id[8] = id[8]&0x3f | 0x80
	return id
}

// UniqueUUID derives the id under which an agent knows a thing that others know as base (CONTRACT 2.2).
func UniqueUUID(agent uuid.UUID, base string) uuid.UUID {
	if base == agent.String() {
		return agent
	}
	return StringToUUID(base + ":" + agent.String())
}

// Derive makes an id of our own from what determines it; the same parts give the same id (RFC 9562, version 5).
func Derive(space uuid.UUID, parts ...string) uuid.UUID {
	return uuid.NewSHA1(space, []byte(strings.Join(parts, "\x00")))
}

// encodeURIComponent is ECMA-262's function of that name over UTF-8. Go's url.QueryEscape keeps other characters.
func encodeURIComponent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.!~*'()", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
