package commands_test

import (
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
)

func TestAPartOfARequestIsItsOwnCauseUnlessSomethingLedToTheWhole(t *testing.T) {
	t.Parallel()
	whole := Request{ID: uuid.New(), Correlation: uuid.New()}
	whole.Causation = whole.ID
	one, other := whole.Part("1"), whole.Part("2")
	if one.ID == whole.ID || one.ID == other.ID || one != whole.Part("1") {
		t.Errorf("the parts are %v and %v", one.ID, other.ID)
	}
	if one.Causation != one.ID || one.Correlation != whole.Correlation {
		t.Errorf("the part is %+v of %+v", one, whole)
	}
	whole.Causation = uuid.New()
	if led := whole.Part("1"); led.Causation != whole.Causation {
		t.Errorf("the part of what an event led to is %+v", led)
	}
}
