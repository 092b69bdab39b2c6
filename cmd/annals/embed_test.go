package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
	"annals/queries"
	"annals/transport/httpapi/server"
	"annals/transport/models/glove"
	"annals/transport/models/hashing"
	"annals/transport/models/openai/openaitest"
)

// embedding is `annals embed` with these settings.
func embedding(t testing.TB, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"embed"}, args...)...)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=warn"), settings...)
	return cmd
}

// vectors is what a server says of its vectors.
func (c *client) vectors(t testing.TB) server.EmbeddingHealth {
	t.Helper()
	var h struct{ Embedding server.EmbeddingHealth }
	if err := c.must(t, http.StatusOK, http.MethodGet, "/api/server/health", nil).data(&h); err != nil {
		t.Fatal(err)
	}
	return h.Embedding
}

// embeddedIn is how many memories the command says that it has embedded.
func embeddedIn(t testing.TB, said string) int {
	t.Helper()
	found := regexp.MustCompile(`(\d+) memories embedded`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("it does not say how many: %s", said)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// free is a port that nobody listens on.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// found are the texts that are found by the meaning of one.
func (c *client) found(t testing.TB, agent, text string) (texts []string) {
	t.Helper()
	var found struct {
		Memories []struct{ Content struct{ Text string } }
	}
	a := c.must(t, http.StatusOK, http.MethodGet, "/api/memory/agents/"+agent+"/memories/search?mode=semantic&q="+url.QueryEscape(text), nil)
	if err := a.data(&found); err != nil {
		t.Fatal(err)
	}
	for _, m := range found.Memories {
		texts = append(texts, m.Content.Text)
	}
	return texts
}

func TestAChangeOfTheModelIsSeenNamedAndMended(t *testing.T) {
	t.Parallel()
	const n = 150
	endpoint := openaitest.Start(t, openaitest.Script{})
	port := free(t)
	settings := []string{"SERVER_PORT=" + port, "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Mnemosyne")
	for i := range n {
		p.must(t, http.StatusCreated, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": sentence(i)})
	}
	p.must(t, http.StatusCreated, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": " "})
	p.embedded(t, agent, n)
	if v := p.vectors(t); v.Model != glove.Model || len(v.Others) > 0 || v.Remedy != "" || v.Pending != 0 {
		t.Errorf("the server says %+v", v)
	}
	if said, err := embedding(t, settings).CombinedOutput(); err != nil || !strings.Contains(string(said), "0 memories embedded with glove-384") {
		t.Errorf("where nothing is to be done: %v: %s", err, said)
	}
	p.stop(t)

	changed := append(slices.Clone(settings), "OPENAI_BASE_URL="+endpoint.URL, "OPENAI_EMBEDDING_MODEL=near")
	p = spawn(t, changed...)
	named := fmt.Sprintf("%d memories have vectors of glove-384 (384), the model is near", n)
	if v := p.vectors(t); len(v.Others) != 1 || v.Others[0].Memories != n || v.Remedy == "" {
		t.Errorf("the server says %+v", v)
	}
	eventually(t, time.Minute, "the log names it", func() bool {
		logs := p.must(t, http.StatusOK, http.MethodGet, "/api/server/logs?level=all", nil).body
		return bytes.Contains(logs, []byte(named)) && bytes.Contains(logs, []byte("run annals embed"))
	})
	if said, ill := doctor(t, changed...); !ill || !strings.Contains(said, named) || !strings.Contains(said, "run annals embed") {
		t.Errorf("the doctor says: %s", said)
	}
	if found := p.found(t, agent, sentence(7)); len(found) != 10 || found[0] != sentence(7) {
		t.Errorf("by the vectors that they have are found: %v", found)
	}
	p.must(t, http.StatusCreated, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": "This one is new."})
	eventually(t, time.Minute, "the new model's memory is found beside the old model's", func() bool { return slices.Contains(p.found(t, agent, "This one is new."), "This one is new.") })
	if said, err := embedding(t, changed, "--dry-run").CombinedOutput(); err != nil || !strings.Contains(string(said), named) || !strings.Contains(string(said), fmt.Sprintf("%d memories would be embedded", n)) {
		t.Errorf("a dry run: %v: %s", err, said)
	}
	if said, err := embedding(t, changed).CombinedOutput(); err != nil || !regexp.MustCompile(fmt.Sprintf(`(?s)embedding: \d+ memories.*%d memories embedded with near`, n)).Match(said) {
		t.Errorf("%v: %s", err, said)
	}
	eventually(t, time.Minute, "all is found again", func() bool { return len(p.found(t, agent, sentence(7))) == 10 })
	eventually(t, time.Minute, "the server says nothing more", func() bool {
		v := p.vectors(t)
		return len(v.Others) == 0 && v.Remedy == "" && v.Pending == 0
	})
	p.stop(t)

	// And back, without a server.
	if said, err := embedding(t, changed, "--model", hashing.Model).CombinedOutput(); err != nil || !strings.Contains(string(said), fmt.Sprintf("%d memories embedded with hashing-384", n+1)) {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := embedding(t, settings, "--model", "unheard-of").CombinedOutput(); err == nil || !strings.Contains(string(said), "there is no endpoint to embed with unheard-of") {
		t.Errorf("%v: %s", err, said)
	}
}

func TestAnInterruptedEmbeddingGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	const n = 200
	endpoint := openaitest.Start(t, openaitest.Script{Delay: 300 * time.Millisecond})
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Mnemosyne")
	for i := range n {
		p.must(t, http.StatusCreated, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": sentence(i)})
	}
	p.embedded(t, agent, n)
	changed := append(slices.Clone(settings), "OPENAI_BASE_URL="+endpoint.URL, "OPENAI_EMBEDDING_MODEL=near")
	cmd := embedding(t, changed)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "some are embedded again", func() bool {
		others := p.vectors(t).Others // beside hashing's
		return len(others) > 0 && slices.ContainsFunc(others, func(o queries.VectorCount) bool { return o.Model == "near" })
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "interrupted; the same command goes on from here") {
		t.Fatalf("%v: %s", err, said.String())
	}
	first := embeddedIn(t, said.String())
	rest, err := embedding(t, changed).CombinedOutput()
	if second := embeddedIn(t, string(rest)); err != nil || first == 0 || first == n || second > n-first {
		t.Errorf("%d, then %d of %d: %v: %s", first, second, n, err, rest)
	}
}
