package httpapi_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

// socketIO is the path at which Socket.IO answers.
const socketIO = "/socket.io/"

// pathParameter is a parameter as descriptions write it, routeParameter as routes do.
var (
	pathParameter  = regexp.MustCompile(`\{(\w+)\}`)
	routeParameter = regexp.MustCompile(`[:*](\w+)`)
)

// fixture is the API on a log, projections and PostgreSQL of its own.
type fixture struct{ *httpapitest.Server }

type answered = httpapitest.Answer

// serve starts a server until the test ends.
func serve(t testing.TB, change ...func(*httpapi.Options)) *fixture {
	t.Helper()
	return &fixture{httpapitest.Serve(t, change...)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func jsonText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
