package documents

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

// A fragment has at most fragmentTokens tokens, of which overlapTokens are those that the one before ends with.
const (
	fragmentTokens = 500
	overlapTokens  = 100
	// stretch bounds what is encoded at once, in bytes.
	stretch = 32 << 10
)

// encoding is that of the models that fragments are shown to, or near it.
var encoding = sync.OnceValues(func() (tokenizer.Codec, error) { return tokenizer.Get(tokenizer.O200kBase) })

// Split cuts a text into fragments, which overlap so that what stands at a cut is found in one of them whole.
func Split(text string) ([]string, error) {
	codec, err := encoding()
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	var tokens []string
	for text = strings.TrimSpace(text); text != ""; {
		part := text[:cut(text)]
		text = text[len(part):]
		_, pieces, err := codec.Encode(part)
		if err != nil {
			return nil, fmt.Errorf("tokens: %w", err)
		}
		tokens = append(tokens, pieces...)
	}
	var fragments []string
	for from := 0; ; from += fragmentTokens - overlapTokens {
		to := min(from+fragmentTokens, len(tokens))
		// A token may end within a character: what is left of it is in the fragment beside.
		if f := strings.TrimSpace(strings.ToValidUTF8(strings.Join(tokens[from:to], ""), "")); f != "" {
			fragments = append(fragments, f)
		}
		if to == len(tokens) {
			return fragments, nil
		}
	}
}

// cut is where a long text may be divided: between words if there are any.
func cut(text string) int {
	if len(text) <= stretch {
		return len(text)
	}
	if i := strings.LastIndexFunc(text[:stretch], unicode.IsSpace); i > 0 {
		return i
	}
	n := stretch
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}
