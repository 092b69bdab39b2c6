package httpapi_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"annals/transport/httpapi"
	"annals/transport/problem"
)

func TestTheBrowserClientOfSocketIOIsServedAsItsPackageHasIt(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Key = "s3cret" }) // a script is loaded without it
	sums, err := os.ReadFile("web/socketio/SHA256SUMS")
	must(t, err)
	served := 0
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); served++ {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		a := s.Ask("GET", "/socket.io/"+name, nil).Is(200)
		if got := sha256.Sum256(a.Body); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s is another file", name)
		}
		if typ := a.Header.Get("Content-Type"); strings.HasSuffix(name, ".js") && !strings.HasPrefix(typ, "text/javascript") {
			t.Errorf("%s is %s", name, typ)
		}
		s.Ask("GET", "/socket.io/"+name, nil, "If-None-Match", a.Header.Get("ETag")).Is(304)
		packed := s.Ask("GET", "/socket.io/"+name, nil, "Accept-Encoding", "gzip").Is(200)
		if packed.Header.Get("Content-Encoding") != "gzip" || len(packed.Body) > len(a.Body)/2 {
			t.Errorf("%s is not compressed: %d bytes", name, len(packed.Body))
		}
	}
	if served != 8 {
		t.Errorf("%d files", served)
	}
	s.Ask("GET", "/socket.io/LICENSES.txt", nil).Is(404)
	s.Ask("GET", "/socket.io/other.js", nil).Is(404)
	serve(t).Ask("POST", "/socket.io/socket.io.js", nil).Refused(405, problem.CodeNoMethod)
}
