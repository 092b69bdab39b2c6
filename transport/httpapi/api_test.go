package httpapi_test

import (
	"testing"

	"annals/transport/httpapi"
)

func TestRoutesAreListedWithoutAnythingRunning(t *testing.T) {
	t.Parallel()
	if n := len(httpapi.Routes()); n < 46 {
		t.Fatalf("only %d routes", n)
	}
}
