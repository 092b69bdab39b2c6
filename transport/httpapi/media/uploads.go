package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/media"
	"annals/transport/problem"
)

var errFilename = problem.Invalid("Invalid filename detected")

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

func (a *api) uploadToAgent(c *frame.Call, in *frame.AgentPath) (uploaded, error) {
	u, err := a.upload(c, events.FileOfAgent, in.AgentID.UUID, func(*media.Received) error {
		agent, err := a.Env.States.Agent(c, in.AgentID.UUID)
		if err == nil && !agent.Exists {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "Agent not found")
		}
		return err
	})
	if kind, _, _ := strings.Cut(u.MIMEType, "/"); kind != "application" && kind != "text" {
		u.Type = kind
	} else if err == nil {
		u.Type = "document"
	}
	return u, err
}

func (a *api) uploadToChannel(c *frame.Call, in *frame.ChannelPath) (uploaded, error) {
	return a.upload(c, events.FileOfChannel, in.ChannelID.UUID, func(*media.Received) error { return nil })
}

// uploadToChat is particular about names, as recorded.
func (a *api) uploadToChat(c *frame.Call, in *frame.ChannelPath) (uploaded, error) {
	return a.upload(c, events.FileOfChannel, in.ChannelID.UUID, func(f *media.Received) error {
		if strings.Contains(f.Path, "..") || strings.ContainsAny(f.Path, `/\`) {
			return errFilename
		}
		return nil
	})
}

func (a *api) upload(c *frame.Call, owner string, of uuid.UUID, admit func(*media.Received) error) (u uploaded, err error) {
	f, err := c.Receive(a.Store)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := admit(f); err != nil {
		return u, err
	}
	if err := c.Repeatable(f.SHA256 + f.Name); err != nil {
		return u, err
	}
	id := c.NewID("file")
	var name string
	if err := a.Store.Keep(c, f, func() error {
		r, err := frame.Run(c, commands.UploadFile{
			FileID: id, Owner: owner, OwnerID: of, Filename: filename(id, c.Request().At, f.Extension), Name: f.Name, Type: f.Type,
			Size: f.Size, SHA256: f.SHA256, Width: f.Width, Height: f.Height,
		})
		name = filename(id, r.At, f.Extension) // that of the first time
		return err
	}); err != nil {
		return u, err
	}
	return uploaded{
		ID: id, URL: mediaPath(owner, of, name), Type: f.Type, Filename: name, OriginalName: f.Name,
		Size: f.Size, SHA256: f.SHA256, MIMEType: f.Type, Width: f.Width, Height: f.Height,
	}, nil
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
