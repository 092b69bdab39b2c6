package httpapi

import (
	"testing"
)

func TestRoutesAreListedWithoutAnythingRunning(t *testing.T) {
	t.Parallel()
	routes := New(Options{}).Routes()
	if len(routes) < 40 {
		t.Fatalf("%d routes", len(routes))
	}
	for _, r := range routes {
		t.Log(r.Method, r.Path)
	}
}
