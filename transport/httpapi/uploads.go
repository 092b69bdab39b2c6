package httpapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/media"
	"annals/transport/problem"
)

// uploadTime is how long a file may take, in either direction.
const uploadTime = 5 * time.Minute

var (
	errNoFile     = problem.Invalid("%s", media.ErrNoFile)
	errOtherField = problem.Invalid("%s", media.ErrUnexpected)
	errFilename   = problem.Invalid("Invalid filename detected")
	errFileType   = problem.New(http.StatusUnsupportedMediaType, problem.CodeFileType, "%s", media.ErrType)
	errFileSize   = problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "%s: at most %d bytes", media.ErrTooLarge, media.MaxSize)
)

// upload has a file as its body, and time for it; anyUpload whatever its type is called, as recorded.
func upload(o *operation)    { o.body, o.limits.file = body{form: uploadBody()}, true }
func anyUpload(o *operation) { o.body, o.limits.file = body{uploadBody(), []string{""}}, true }

// uploadBody describes the form.
func uploadBody() *huma.RequestBody {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "Picture, audio, video, PDF or text, 50 MiB at most."}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{"file": file},
	}}}}
}

// uploaded is a file as the recorded server answers its upload, and more.
type uploaded struct {
	ID           uuid.UUID `json:"id"`
	URL          string    `json:"url"`
	Type         string    `json:"type" doc:"For an agent image, video, audio or document; for a channel the MIME type."`
	Filename     string    `json:"filename"`
	OriginalName string    `json:"originalName"`
	Size         int64     `json:"size"`
	SHA256       string    `json:"sha256"`
	MIMEType     string    `json:"mimeType"`
	Width        int       `json:"width,omitempty"`
	Height       int       `json:"height,omitempty"`
}

func (a *API) uploadToAgent(c *call, in *AgentPath) (uploaded, error) {
	u, err := a.upload(c, events.FileOfAgent, in.AgentID.UUID, func(*media.Received) error { return nil })
	if kind, _, _ := strings.Cut(u.MIMEType, "/"); kind != "application" && kind != "text" {
		u.Type = kind
	} else if err == nil {
		u.Type = "document"
	}
	return u, err
}

func (a *API) uploadToChannel(c *call, in *ChannelPath) (uploaded, error) {
	return a.upload(c, events.FileOfChannel, in.ChannelID.UUID, func(*media.Received) error { return nil })
}

// uploadToChat is particular about names, as recorded.
func (a *API) uploadToChat(c *call, in *ChannelPath) (uploaded, error) {
	return a.upload(c, events.FileOfChannel, in.ChannelID.UUID, func(f *media.Received) error {
		if strings.Contains(f.Path, "..") || strings.ContainsAny(f.Path, `/\`) {
			return errFilename
		}
		return nil
	})
}

func (a *API) upload(c *call, owner string, of uuid.UUID, admit func(*media.Received) error) (u uploaded, err error) {
	f, err := a.receive(c)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := admit(f); err != nil {
		return u, err
	}
	if c.gin.GetHeader("Idempotency-Key") != "" {
		c.bodyHash = hashBody([]byte(f.SHA256 + f.Name))
	}
	cmd := commands.UploadFile{
		FileID: c.newID("file"), Owner: owner, OwnerID: of, Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256,
		Width: f.Width, Height: f.Height,
	}
	cmd.Filename = filename(cmd.FileID, c.request().At, f.Extension)
	if err := a.o.Media.Keep(c, f, func() error {
		r, err := run(c, cmd)
		cmd.Filename = filename(cmd.FileID, r.At, f.Extension) // that of the first time
		return err
	}); err != nil {
		return u, err
	}
	return uploaded{
		ID: cmd.FileID, URL: mediaPath(owner, of, cmd.Filename), Type: f.Type, Filename: cmd.Filename, OriginalName: f.Name,
		Size: f.Size, SHA256: f.SHA256, MIMEType: f.Type, Width: f.Width, Height: f.Height,
	}, nil
}

// receive reads the file of a form.
func (a *API) receive(c *call) (*media.Received, error) {
	form, err := c.gin.Request.MultipartReader()
	if err != nil {
		return nil, errNoFile
	}
	f, err := a.o.Media.Receive(c, form)
	switch {
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

// filename is one as the recorded server makes them: when it was uploaded, a number, and the ending.
func filename(file uuid.UUID, at time.Time, extension string) string {
	number := binary.BigEndian.Uint64(file[8:]) % 1_000_000_000
	return fmt.Sprintf("%d-%d%s", at.UnixMilli(), number, extension)
}

// mediaPath is where a file is served.
func mediaPath(owner string, of uuid.UUID, filename string) string {
	folder := map[string]string{
		events.FileOfAgent: "uploads/agents", events.FileOfChannel: "uploads/channels", events.FileByGenerator: "generated",
	}[owner]
	return path.Join("/media", folder, of.String(), filename)
}
