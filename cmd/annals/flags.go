package main

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// idFlag is an id on the command line.
type idFlag struct{ uuid.UUID }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *idFlag) UnmarshalText(text []byte) (err error) {
	f.UUID, err = events.ParseID(string(text))
	return err
}

// timeFlag is a time on the command line.
type timeFlag struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *timeFlag) UnmarshalText(text []byte) (err error) {
	m.Time, err = parseTime(string(text))
	return err
}

// parseTime reads a time, or the beginning of a day in UTC.
func parseTime(s string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return t, fmt.Errorf("%.40q is no time such as 2026-11-01T00:00:00Z or 2026-11-01", s)
}
