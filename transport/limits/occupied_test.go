package limits

import (
	"errors"
	"testing"
	"time"
)

func TestPlacesAreCountedOnceASecondAndWhenNoneIsLeft(t *testing.T) {
	t.Parallel()
	var o Occupied
	now, there, counts := time.Unix(1e9, 0), 0, 0
	full := func() bool {
		t.Helper()
		is, err := o.Full(now, 3, func() (int, error) { counts++; return there, nil })
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	take := func() { there++; o.Taken() }
	for range 3 {
		if full() {
			t.Fatalf("it is full with %d", there)
		}
		take()
	}
	if counts != 1 {
		t.Errorf("it was counted %d times for three", counts)
	}
	if !full() || counts != 2 {
		t.Errorf("it is not full, or not sure: %d counts", counts)
	}
	there-- // one ends
	if full() {
		t.Error("a place that is free again is not given")
	}
	there = 3 // another node takes it
	now = now.Add(recount)
	if !full() {
		t.Error("what another node took is not seen after a second")
	}
	if _, err := o.Full(now, 3, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("what cannot be counted is not full")
	}
}
