package openai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"annals/commands/reactions"
	"annals/transport/models/openai/openaitest"
)

func embedder(server *openaitest.Server) *Embedder {
	return NewEmbedder(EmbedderOptions{APIKey: key, BaseURL: server.URL, Model: "embed-small", Budget: 20 * time.Second})
}

func TestTextsBecomeVectorsInTheirOrder(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{})
	m := NewEmbedder(EmbedderOptions{APIKey: key, BaseURL: server.URL, Model: "embed-small", Dimensions: 512})
	got, err := m.Embed(t.Context(), []string{"a red house", "a blue house", "a red house"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || len(got[0]) != 512 || !cmp.Equal(got[0], got[2]) || cmp.Equal(got[0], got[1]) {
		t.Errorf("%d vectors", len(got))
	}
	for _, v := range got {
		length := 0.0
		for _, x := range v {
			length += float64(x) * float64(x)
		}
		if math.Abs(length-1) > 1e-5 {
			t.Errorf("a vector has the length %v", length)
		}
	}
	want := []openaitest.EmbeddingRequest{{
		Model: "embed-small", Input: []string{"a red house", "a blue house", "a red house"}, Dimensions: 512, Authorization: "Bearer " + key,
	}}
	if diff := cmp.Diff(want, server.EmbeddingRequests()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if m.Model() != "embed-small" || m.Dimensions() != 512 {
		t.Errorf("named %s with %d dimensions", m.Model(), m.Dimensions())
	}
}

func TestManyTextsTakeSeveralRequests(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{})
	var texts []string
	for i := range 150 {
		texts = append(texts, fmt.Sprintf("text %d", i))
	}
	for range 80 {
		texts = append(texts, strings.Repeat("ü", maxText)) // twice as many bytes
	}
	got, err := embedder(server).Embed(t.Context(), texts)
	if err != nil || len(got) != len(texts) {
		t.Fatalf("%d vectors, %v", len(got), err)
	}
	asked := 0
	for _, r := range server.EmbeddingRequests() {
		bytes := 0
		for _, text := range r.Input {
			bytes += len(text)
			if len(text) > maxText || !strings.HasPrefix(texts[asked], text) {
				t.Errorf("text %d is asked for in %d bytes", asked, len(text))
			}
			asked++
		}
		if len(r.Input) > batchTexts || bytes > batchBytes {
			t.Errorf("a request with %d texts of %d bytes", len(r.Input), bytes)
		}
	}
}

func TestEmbeddingAsksAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]openaitest.Script{
		"too many requests": {Fail: 1, Status: http.StatusTooManyRequests, RetryAfter: "1"},
		"an error twice":    {Fail: 2},
		"a cut twice":       {Drop: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, script)
			got, err := embedder(server).Embed(t.Context(), []string{"a text"})
			if err != nil || len(got) != 1 {
				t.Fatalf("%d vectors, %v", len(got), err)
			}
			if n := len(server.EmbeddingRequests()); n != script.Fail+script.Drop+1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestVectorsThatMakeNoSenseAreNotTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script openaitest.Script
		final  bool
		says   string
	}{
		"no key":                 {openaitest.Script{Fail: 100, Status: http.StatusUnauthorized}, true, "check the API key"},
		"an unknown model":       {openaitest.Script{Fail: 100, Status: http.StatusNotFound}, true, "check the name of the model"},
		"other dimensions":       {openaitest.Script{Embed: func(string, int) []float64 { return make([]float64, 7) }}, true, "OPENAI_EMBEDDING_DIMENSIONS"},
		"nothing but zeros":      {openaitest.Script{Embed: func(string, int) []float64 { return make([]float64, 8) }}, false, "without a direction"},
		"one vector for two":     {openaitest.Script{Raw: `{"data":[{"index":0,"embedding":[1,2,3,4,5,6,7,8]}]}`}, false, "1 vectors for 2 texts"},
		"an index that is twice": {openaitest.Script{Raw: `{"data":[{"index":0,"embedding":[1,2,3,4,5,6,7,8]},{"index":0,"embedding":[1,2,3,4,5,6,7,8]}]}`}, false, "belongs to no text"},
		"an index beyond":        {openaitest.Script{Raw: `{"data":[{"index":2,"embedding":[1,2,3,4,5,6,7,8]},{"index":0,"embedding":[1,2,3,4,5,6,7,8]}]}`}, false, "belongs to no text"},
		"a page":                 {openaitest.Script{Raw: `<html>`}, false, "something else than embeddings"},
		"more than anybody asks": {openaitest.Script{Raw: `{"data":[` + strings.Repeat(" ", maxVectors)}, false, "answered with more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, c.script)
			m := NewEmbedder(EmbedderOptions{APIKey: key, BaseURL: server.URL, Model: "embed-small", Dimensions: 8})
			_, err := m.Embed(t.Context(), []string{"private words", "more of them"})
			if err == nil || errors.Is(err, reactions.ErrRefused) != c.final || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(fmt.Sprint(err), key) || strings.Contains(fmt.Sprint(err), "private") {
				t.Errorf("it tells too much: %v", err)
			}
		})
	}
}

func TestWhoLeavesAnEmbeddingIsNotHeld(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Delay: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		until(ctx, func() bool { return server.Waiting() == 1 })
		leave()
	}()
	if _, err := embedder(server).Embed(ctx, []string{"a text"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	slow := NewEmbedder(EmbedderOptions{BaseURL: server.URL, Model: "slow", Timeout: 20 * time.Millisecond, Budget: 100 * time.Millisecond})
	if _, err := slow.Embed(t.Context(), []string{"a text"}); err == nil || !strings.Contains(err.Error(), "did not answer within 20ms") {
		t.Errorf("got %v", err)
	}
}
