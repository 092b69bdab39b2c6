package httpapi

import "testing"

func TestRoutesAreListedWithoutAnythingRunning(t *testing.T) {
	t.Parallel()
	if n := len(Routes()); n < 46 {
		t.Fatalf("only %d routes", n)
	}
}
