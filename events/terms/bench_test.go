package terms_test

import (
	"testing"

	"annals/events/terms"
)

// BenchmarkAnalyze analyses a message of usual length.
func BenchmarkAnalyze(b *testing.B) {
	const text = "Hey Mel! Good to see you! I went to the support group yesterday, and it was so powerful. The deploy.yaml is fixed, too."
	for b.Loop() {
		_ = terms.Analyze(text).Lexemes()
	}
}
