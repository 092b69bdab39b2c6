package reactions

import "context"

// Embedder is a model that turns texts into vectors, near each other where the texts are alike. Implementations are in
// transport/models; each is safe for concurrent use, honours the context, and repeats by itself what is worth repeating
// at once. The text of its errors is logged: it holds nothing of the texts, of a key, or of what an endpoint wrote.
type Embedder interface {
	// Model names the space that the vectors lie in, as events record it: vectors of two models are never compared.
	Model() string
	// Dimensions is the length of each vector, 0 where only an answer tells.
	Dimensions() int
	// Embed gives one vector for each text, in their order, of length 1 by Euclid. An error that wraps ErrRefused is
	// final: asking again would give the same.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}
