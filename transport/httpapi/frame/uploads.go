package frame

import (
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"annals/transport/media"
	"annals/transport/problem"
)

// UploadTime is how long a file may take, in either direction.
const UploadTime = 5 * time.Minute

var (
	errNoFile      = problem.Invalid("%s", media.ErrNoFile)
	errOtherField  = problem.Invalid("%s", media.ErrUnexpected)
	errFileType    = problem.New(http.StatusUnsupportedMediaType, problem.CodeFileType, "%s", media.ErrType)
	errBusyUploads = problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "%s. Try again.", media.ErrBusy)
	errFileSize    = problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "%s: at most %d bytes", media.ErrTooLarge, media.MaxSize)
)

// Upload has a file as its body, and time for it; anyUpload whatever its type is called, as recorded.
var (
	Upload    = ReadsBody(uploadBody())
	AnyUpload = ReadsBody(uploadBody(), "")
)

// ReadsBody has a body that the operation reads itself, and time for it. types are parts of media types that it may be of,
// besides those of every body.
func ReadsBody(described *huma.RequestBody, types ...string) Trait {
	return func(o *operation) { o.body, o.limits.file = body{form: described, types: types}, true }
}

// uploadBody describes the form.
func uploadBody() *huma.RequestBody {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "Picture, audio, video, PDF or text, 50 MiB at most."}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{"file": file},
	}, Example: map[string]string{"file": "(the bytes of me.png)"}}}}
}

// Receive reads the file of a form, and keeps it until it is closed.
func (c *Call) Receive(store *media.Store) (*media.Received, error) {
	form, err := c.HTTP().MultipartReader()
	if err != nil {
		return nil, errNoFile
	}
	f, err := store.Receive(c, c.Client(), form)
	switch {
	case errors.Is(err, media.ErrBusy):
		return nil, errBusyUploads
	case errors.Is(err, media.ErrNoFile):
		return nil, errNoFile
	case errors.Is(err, media.ErrUnexpected):
		return nil, errOtherField
	case errors.Is(err, media.ErrType):
		return nil, errFileType
	case errors.Is(err, media.ErrTooLarge):
		return nil, errFileSize
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlowBody
	case errors.Is(err, media.ErrBroken):
		return nil, problem.Invalid("The upload ended too early, or is no form.")
	}
	return f, err
}
