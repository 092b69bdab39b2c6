package documents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/text/encoding/unicode"

	"annals/transport/confined"
	"annals/transport/limits"
)

// The types of documents.
const (
	Plain    = "text/plain"
	Markdown = "text/markdown"
	HTML     = "text/html"
	PDF      = "application/pdf"
	DOCX     = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
)

// endings are those of the names of each type.
var endings = map[string][]string{
	Plain: {".txt", ".text", ".log", ".csv"}, Markdown: {".md", ".markdown", ".mdx"},
	HTML: {".html", ".htm", ".xhtml"}, PDF: {".pdf"}, DOCX: {".docx"},
}

// maxText bounds the text of a document as JSON has it, in bytes: it is one event.
var maxText = limits.Declare(limits.Bound{
	Name: "document.text", What: "the text of a document", Per: limits.Request, Value: 600 << 10, Unit: limits.Bytes, Answer: "413",
})

// What Text answers besides success.
var (
	ErrType       = errors.New("a document is a text, Markdown, HTML, PDF or DOCX")
	ErrUnreadable = errors.New("the document cannot be read")
	ErrEmpty      = errors.New("the document says nothing: it has no text, or pictures of it alone")
	ErrTooLong    = errors.New("the text of the document is too long")
	ErrBusy       = confined.ErrBusy
)

// Formats whose text takes a program to find are read in a process of their own.
var confinedReaders = map[string]confined.Function{HTML: readHTML, PDF: readPDF, DOCX: readDOCX}

func init() {
	for kind, read := range confinedReaders {
		confined.Program("text of "+kind, read)
	}
}

// TypeOf is the type of a document, by its bytes and its name, and by what is said of it where these leave it open; empty where it is none.
func TypeOf(name, declared string, data []byte) string {
	found := mimetype.Detect(data)
	switch {
	case found.Is(PDF):
		return PDF
	case found.Is(DOCX):
		return DOCX
	case !isText(found):
		return ""
	}
	ending := strings.ToLower(path.Ext(name))
	for _, kind := range []string{Markdown, HTML, Plain} {
		if slices.Contains(endings[kind], ending) {
			return kind
		}
	}
	if said, _, err := mime.ParseMediaType(declared); err == nil && (said == Markdown || said == HTML || said == Plain) {
		return said
	}
	if found.Is(HTML) {
		return HTML
	}
	return Plain
}

func isText(m *mimetype.MIME) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is(Plain) {
			return true
		}
	}
	return false
}

// Text is the text of a document of a type. It has no byte order mark.
func Text(ctx context.Context, kind string, data []byte) (string, error) {
	if confinedReaders[kind] != nil {
		out, err := confined.Run(ctx, "text of "+kind, data, maxText.Value)
		switch {
		case errors.Is(err, confined.ErrTooMuch):
			return "", ErrTooLong
		case errors.Is(err, confined.ErrFailed):
			return "", fmt.Errorf("%w: %w", ErrUnreadable, err)
		case err != nil:
			return "", err
		}
		return clean(out)
	}
	if endings[kind] == nil {
		return "", ErrType
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		decoded, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
		if err != nil {
			return "", fmt.Errorf("%w: it is no UTF-16", ErrUnreadable)
		}
		data = decoded
	}
	return clean(data)
}

// clean is a text that an event can have.
func clean(data []byte) (string, error) {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return "", fmt.Errorf("%w: it is no UTF-8", ErrUnreadable)
	}
	text := strings.TrimSpace(unmarked(string(data)))
	if text == "" {
		return "", ErrEmpty
	}
	return text, Fits(text)
}

// unmarked is a text without the byte order marks that editors leave in files.
func unmarked(text string) string { return strings.ReplaceAll(text, "\ufeff", "") }

// Fits is ErrTooLong for a text that is no document for its length.
func Fits(text string) error {
	if encoded, err := json.Marshal(text); err != nil || int64(len(encoded)) > maxText.Value {
		return fmt.Errorf("%w: at most %d bytes of text", ErrTooLong, maxText.Value)
	}
	return nil
}
