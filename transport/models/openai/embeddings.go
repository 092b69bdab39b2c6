package openai

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"annals/commands/reactions"
	"annals/transport/models/remote"
)

const (
	// batchTexts and batchBytes bound one request: far below what OpenAI takes (2,048 texts, 300,000 tokens), since an
	// endpoint on a small machine computes them one after another.
	batchTexts = 64
	batchBytes = 512 << 10
	// maxText bounds how much of a text counts, in bytes: below the 8,192 tokens that OpenAI's models take.
	maxText = 16 << 10
	// maxVectors bounds one response, in bytes: batchTexts vectors of 4,096 numbers, each written with 20 digits.
	maxVectors = 8 << 20
)

// EmbedderOptions say where the model is. Only Model is needed.
type EmbedderOptions struct {
	APIKey     string
	BaseURL    string // up to and including /v1; OpenAI's own if empty
	Model      string
	Dimensions int           // asked for, and insisted on; if zero, what the model gives
	Timeout    time.Duration // of one attempt; 60 s if zero
	Budget     time.Duration // of all attempts of one request together; 120 s if zero
}

// Embedder is an embedding model at an endpoint.
type Embedder struct {
	remote.Endpoint
	embeddings openai.EmbeddingService
	dimensions int
}

var _ reactions.Embedder = (*Embedder)(nil)

// NewEmbedder asks nothing yet: a wrong key or name shows at the first Embed. The environment has no say.
func NewEmbedder(o EmbedderOptions) *Embedder {
	return &Embedder{
		Endpoint:   remote.New(o.Model, o.APIKey, cmp.Or(o.Timeout, 60*time.Second), o.Budget),
		embeddings: openai.NewEmbeddingService(client(o.APIKey, o.BaseURL, nil, maxVectors)...),
		dimensions: o.Dimensions,
	}
}

// Model implements reactions.Embedder.
func (m *Embedder) Model() string { return m.Name }

// Dimensions implements reactions.Embedder.
func (m *Embedder) Dimensions() int { return m.dimensions }

// Embed implements reactions.Embedder: as many requests, one after another, as the texts need.
func (m *Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		batch := portion(texts)
		texts = texts[len(batch):]
		got, err := remote.Insist(ctx, m.Endpoint, func(ctx context.Context) ([][]float32, *remote.Failure) { return m.attempt(ctx, batch) })
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, got...)
	}
	return vectors, nil
}

// portion is the beginning of the texts that fits into one request, each cut to what counts.
func portion(texts []string) []string {
	var batch []string
	bytes := 0
	for _, text := range texts {
		if len(text) > maxText {
			text = strings.ToValidUTF8(text[:maxText], "")
		}
		if bytes += len(text); len(batch) == batchTexts || len(batch) > 0 && bytes > batchBytes {
			break
		}
		batch = append(batch, text)
	}
	return batch
}

func (m *Embedder) attempt(ctx context.Context, batch []string) ([][]float32, *remote.Failure) {
	params := openai.EmbeddingNewParams{
		Model: m.Name, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: batch},
		EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat, // which every endpoint knows
	}
	if m.dimensions > 0 {
		params.Dimensions = openai.Int(int64(m.dimensions))
	}
	var response *http.Response
	answer, err := m.embeddings.New(ctx, params, option.WithResponseInto(&response))
	if err != nil {
		return nil, m.Failed(response, err, code(err), "embeddings")
	}
	return m.ordered(answer.Data, len(batch))
}

// ordered puts the vectors in the order of the texts and to length 1.
func (m *Embedder) ordered(data []openai.Embedding, texts int) ([][]float32, *remote.Failure) {
	if len(data) != texts {
		return nil, &remote.Failure{Text: fmt.Sprintf("gave %d vectors for %d texts", len(data), texts)}
	}
	vectors := make([][]float32, texts)
	for _, d := range data {
		if d.Index < 0 || d.Index >= int64(texts) || vectors[d.Index] != nil {
			return nil, &remote.Failure{Text: "gave a vector that belongs to no text"}
		}
		if m.dimensions > 0 && len(d.Embedding) != m.dimensions {
			return nil, &remote.Failure{Refused: true, Text: fmt.Sprintf(
				"gave a vector of %d dimensions, not %d: set OPENAI_EMBEDDING_DIMENSIONS to what it gives", len(d.Embedding), m.dimensions)}
		}
		if vectors[d.Index] = unit(d.Embedding); vectors[d.Index] == nil {
			return nil, &remote.Failure{Text: "gave a vector without a direction"}
		}
	}
	return vectors, nil
}

// unit is a vector at length 1, and nil for one that has no direction.
func unit(v []float64) []float32 {
	length := 0.0
	for _, x := range v {
		length += x * x
	}
	length = math.Sqrt(length)
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return nil
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x / length)
	}
	return out
}
