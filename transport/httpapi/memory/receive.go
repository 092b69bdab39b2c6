package memory

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"annals/events"
	"annals/transport/documents"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
	"annals/transport/problem"
)

// What documents may take up while they are received.
var (
	maxDocument = limits.Declare(limits.Bound{
		Name: "document.file", What: "the file of a document", Per: limits.Request, Value: 16 << 20, Unit: limits.Bytes, Answer: "413",
	})
	maxDocumentsOfClient = limits.Declare(limits.Bound{
		Name: "document.client", What: "files of documents while they are read", Per: limits.Client, Value: 32 << 20, Unit: limits.Bytes,
		Answer: "503 with Retry-After",
	})
	maxDocuments = limits.Declare(limits.Bound{
		Name: "document.server", What: "files of documents while they are read", Per: limits.Server, Value: 64 << 20, Unit: limits.Bytes,
		Answer: "503 with Retry-After",
	})
	maxField = limits.Declare(limits.Bound{
		Name: "document.field", What: "a title, a name or another field beside a document", Per: limits.Request, Value: 1000, Unit: limits.Bytes,
		Answer: "400 INVALID_REQUEST",
	})
)

// maxParts bounds the parts of a form.
const maxParts = 20

// document is what a client gives.
type document struct {
	Text        frame.Text `json:"text"`
	Title       frame.Text `json:"title"`
	Filename    frame.Text `json:"filename"`
	ContentType frame.Text `json:"contentType"`
	EntityID    frame.Text `json:"entityId"`

	data []byte
}

func (d document) hash() string { return events.HashText(string(d.data)) }

// title is what a document is called.
func (d document) title() string { return cmp.Or(string(d.Title), string(d.Filename), "Untitled") }

// aDocument has a document as its body, and time for it.
var aDocument = frame.ReadsBody(documentBody())

// documentBody describes it.
func documentBody() *huma.RequestBody {
	text := func(says string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: says} }
	fields := func() map[string]*huma.Schema {
		return map[string]*huma.Schema{
			"title": text("What it is called; the name of the file where it is not given."), "entityId": text("Whose text it is; the agent's own where it is not given."),
			"contentType": text("text/plain, text/markdown or text/html, where the name does not tell."), "filename": text("The name of the file."),
		}
	}
	form, body := fields(), fields()
	form["file"] = &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "Text, Markdown, HTML, PDF or DOCX, 16 MiB at most."}
	body["text"] = text("The text itself, 600 KiB at most.")
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {
			Schema:  &huma.Schema{Type: huma.TypeObject, Required: []string{"file"}, Properties: form},
			Example: map[string]string{"file": "(the bytes of tea.pdf)", "title": "Tea"},
		},
		"application/json": {
			Schema:  &huma.Schema{Type: huma.TypeObject, Required: []string{"text"}, Properties: body},
			Example: map[string]string{"text": "Green tea is steeped at 80 degrees.", "title": "Tea"},
		},
	}}
}

// receiveDocument reads a document from a form or from JSON. What is received is counted in the share.
func receiveDocument(c *frame.Call, share *limits.Share) (d document, err error) {
	r := c.HTTP()
	if strings.Contains(c.Header("Content-Type"), "json") {
		body, err := readPart(r.Body, frame.MaxBody, share)
		if err != nil {
			return d, err
		}
		clean, err := frame.Clean(body)
		if err == nil {
			err = json.Unmarshal(clean, &d)
		}
		if err != nil {
			return d, problem.Invalid("Invalid body: %s", err)
		}
		if d.Text == "" {
			return d, frame.MissingFields("text")
		}
		d.data = []byte(d.Text)
	} else if err := d.readForm(r, share); err != nil {
		return d, err
	}
	for name, value := range map[string]frame.Text{"title": d.Title, "filename": d.Filename, "contentType": d.ContentType} {
		if int64(len(value)) > maxField.Value {
			return d, problem.Invalid("Invalid %s: it has more than %d bytes", name, maxField.Value)
		}
	}
	kind := documents.TypeOf(string(d.Filename), string(d.ContentType), d.data)
	if kind == "" {
		return d, errDocumentType
	}
	d.ContentType = frame.Text(kind)
	return d, nil
}

// readForm reads the one file of a form, and the fields beside it.
func (d *document) readForm(r *http.Request, share *limits.Share) error {
	form, err := r.MultipartReader()
	if err != nil {
		return errNoDocument
	}
	fields := map[string]*frame.Text{"title": &d.Title, "filename": &d.Filename, "contentType": &d.ContentType, "entityId": &d.EntityID}
	for range maxParts {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && d.data == nil:
			return errNoDocument
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return brokenForm(err)
		case part.FileName() != "" && d.data == nil && (part.FormName() == "file" || part.FormName() == "files"):
			err = d.readFile(part, share)
		case part.FileName() != "":
			return problem.Invalid("One file is taken, in the field file.")
		default:
			err = readField(part, fields[part.FormName()])
		}
		if err != nil {
			return err
		}
	}
	return problem.Invalid("The form has more than %d parts.", maxParts)
}

func (d *document) readFile(part *multipart.Part, share *limits.Share) (err error) {
	if d.data, err = readPart(part, maxDocument.Value, share); err != nil {
		return err
	}
	if d.data == nil {
		d.data = []byte{}
	}
	name := strings.ToValidUTF8(path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")), "")
	d.Filename = frame.Text(cmp.Or(string(d.Filename), name))
	d.ContentType = frame.Text(cmp.Or(string(d.ContentType), part.Header.Get("Content-Type")))
	return nil
}

// readField reads a field that is known, and passes over any other.
func readField(part *multipart.Part, field *frame.Text) error {
	value, err := io.ReadAll(io.LimitReader(part, maxField.Value+1))
	switch {
	case err != nil:
		return brokenForm(err)
	case int64(len(value)) > maxField.Value:
		return problem.Invalid("Invalid %.40s: it has more than %d bytes", part.FormName(), maxField.Value)
	case field == nil:
		return nil
	}
	clean := strings.ReplaceAll(strings.ToValidUTF8(string(value), ""), "\x00", "")
	*field = frame.Text(clean)
	return nil
}

// readPart reads up to so many bytes, as far as there is room for them.
func readPart(from io.Reader, most int64, share *limits.Share) (all []byte, err error) {
	from = io.LimitReader(from, most+1)
	for {
		n := len(all)
		all = append(all, make([]byte, 64<<10)...)
		got, err := io.ReadFull(from, all[n:])
		all = all[:n+got]
		switch ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); {
		case !share.Try(int64(got)):
			return nil, errDocumentsBusy
		case int64(len(all)) > most:
			return nil, problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "The document is longer than %d bytes.", most)
		case ended:
			return all, nil
		case err != nil:
			return nil, brokenForm(err)
		}
	}
}

func brokenForm(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem.New(http.StatusRequestTimeout, problem.CodeTimeout, "The document was sent too slowly.")
	}
	return problem.Invalid("The upload ended too early, or is no form.")
}

var errNoDocument = problem.Invalid("No document provided: a file in the field file of a form, or text in JSON")
