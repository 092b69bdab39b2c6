package main

import (
	"bytes"
	"regexp"
	"testing"

	"annals/projections/engine"
)

// The first progress that is shown may be far along: it gives no rate.
func TestProgressTellsNoRateOfWhatWasDoneBeforeItLooked(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{out: &out, noun: "events"}
	p.show(engine.Progress{Stage: "rows", Events: 64, Position: 64, Head: 200})
	p.show(engine.Progress{Stage: "indexes", Events: 100, Position: 100, Head: 200})
	if !regexp.MustCompile(`^rows: 64 events\nindexes: 100 events, \d+/s, 26 %, [^ ]* left\n$`).MatchString(out.String()) {
		t.Errorf("it says %q", out.String())
	}
}
