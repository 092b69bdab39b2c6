package media

import (
	"fmt"
	"image"
	_ "image/gif"  // sizes of pictures
	_ "image/jpeg" // sizes of pictures
	_ "image/png"  // sizes of pictures
	"io"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
	_ "golang.org/x/image/webp" // sizes of pictures
)

// Text is the type of every text, whatever it says.
const Text = "text/plain"

// accepted are the types that are taken, each with the endings of its names; the first is the usual one.
var accepted = map[string][]string{
	"image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"}, "image/gif": {".gif"}, "image/webp": {".webp"},
	"audio/mpeg": {".mp3"}, "audio/wav": {".wav"}, "audio/ogg": {".ogg", ".oga", ".opus"}, "audio/webm": {".webm", ".weba"},
	"audio/mp4": {".m4a", ".mp4"}, "audio/aac": {".aac"}, "audio/flac": {".flac"},
	"video/mp4": {".mp4", ".m4v"}, "video/webm": {".webm"}, "application/pdf": {".pdf"}, Text: {".txt", ".md"},
}

// texts are the ways to say that a file is a text.
var texts = []string{Text, "text/markdown", "text/x-markdown", "text/csv"}

// aliases are other names of the same.
var aliases = map[string]string{
	"audio/x-m4a": "audio/mp4", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "application/ogg": "audio/ogg",
}

// look finds out what the bytes are; what the client says they are may not contradict it.
func (r *Received) look(declared string) error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read an upload again: %w", err)
	}
	found, err := mimetype.DetectReader(r.file)
	if err != nil {
		return fmt.Errorf("read an upload again: %w", err)
	}
	if r.Type = typeOf(found, declared); r.Type == "" {
		return ErrType
	}
	r.Extension = strings.ToLower(path.Ext(r.Name))
	if endings := accepted[r.Type]; !slices.Contains(endings, r.Extension) {
		r.Extension = endings[0]
	}
	if strings.HasPrefix(r.Type, "image/") {
		return r.measure()
	}
	return nil
}

// typeOf is the type of bytes that look like found, nothing where it is not taken.
func typeOf(found *mimetype.MIME, declared string) string {
	said, _, err := mime.ParseMediaType(declared)
	if err != nil || said == "application/octet-stream" {
		said = ""
	}
	if descends(found, Text) { // as everything does that is printable
		if said != "" && !slices.Contains(texts, said) {
			return ""
		}
		return Text
	}
	is, _, _ := strings.Cut(found.String(), ";")
	if other, ok := aliases[is]; ok {
		is = other
	}
	family, kind, _ := strings.Cut(is, "/")
	claimed, _, _ := strings.Cut(said, "/")
	if family == "video" && claimed == "audio" { // a container says nothing of what is in it
		family, is = "audio", "audio/"+kind
	}
	if _, ok := accepted[is]; !ok || said != "" && claimed != family {
		return ""
	}
	return is
}

func descends(m *mimetype.MIME, from string) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is(from) {
			return true
		}
	}
	return false
}

// measure reads the size of a picture. One that has none is no picture.
func (r *Received) measure() error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read an upload again: %w", err)
	}
	config, _, err := image.DecodeConfig(io.LimitReader(r.file, MaxSize))
	if err != nil {
		return ErrType
	}
	r.Width, r.Height = config.Width, config.Height
	return nil
}
