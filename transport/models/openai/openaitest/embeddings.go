package openaitest

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
)

// EmbeddingRequest is what was asked of the embedding model.
type EmbeddingRequest struct {
	Model         string   `json:"model"`
	Input         []string `json:"input"`
	Dimensions    int      `json:"dimensions"`
	Authorization string   `json:"-"`
}

// EmbeddingRequests are those that have come in so far, oldest first.
func (s *Server) EmbeddingRequests() []EmbeddingRequest { return s.embedded.All() }

func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	asked := EmbeddingRequest{Authorization: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, asked.Authorization)
		return
	}
	s.answer(w, r, s.embedded.Add(asked), asked.Authorization, func() []byte { return s.vectors(asked) })
}

// vectors come in the opposite order, as an endpoint may give them.
func (s *Server) vectors(asked EmbeddingRequest) []byte {
	embed := s.script.Embed
	if embed == nil {
		embed = Words
	}
	data := []any{}
	for i, text := range slices.Backward(asked.Input) {
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": embed(text, asked.Dimensions)})
	}
	body, err := json.Marshal(map[string]any{
		"object": "list", "model": asked.Model, "data": data, "usage": map[string]int{"prompt_tokens": 1, "total_tokens": 1},
	})
	if err != nil {
		panic(err) // only strings and numbers: cannot be
	}
	return body
}

// Words is a vector of 256 dimensions, where nothing else is asked for, in which each word counts in one.
func Words(text string, dimensions int) []float64 {
	v := make([]float64, cmp.Or(dimensions, 256))
	for _, word := range strings.Fields(strings.ToLower(text)) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(strings.Trim(word, ".,;:?!\"'()")))
		v[int(h.Sum32()%uint32(len(v)))]++
	}
	return v
}
