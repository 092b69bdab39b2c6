package media

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/media"
	"annals/transport/problem"
)

// FilePath names a file.
type FilePath struct {
	FileID frame.ID `path:"fileId"`
}

func (a *api) deleteFile(c *frame.Call, in *FilePath) (frame.None, error) {
	_, err := frame.Run(c, commands.DeleteFile{FileID: in.FileID.UUID})
	return frame.None{}, err
}

// files are the routes whose answers are the bytes of a file.
func (a *api) files() {
	a.bytes("/media/uploads/agents/:agentId/:filename", "A file of an agent", a.fileOf(events.FileOfAgent, "agentId"), frame.BySignature)
	a.bytes("/media/uploads/channels/:channelId/:filename", "A file of a channel", a.fileOf(events.FileOfChannel, "channelId"), frame.BySignature)
	a.bytes("/media/generated/:agentId/:filename", "A file that an agent made", a.fileOf(events.FileByGenerator, "agentId"), frame.BySignature)
	a.bytes("/api/media/files/:fileId", "The bytes of a file", func(c *frame.Call) (queries.File, error) {
		id, err := pathID(c, "fileId")
		if err != nil {
			return queries.File{}, err
		}
		return a.Queries.File(c, id)
	})
}

func (a *api) fileOf(owner, parameter string) func(*frame.Call) (queries.File, error) {
	return func(c *frame.Call) (queries.File, error) {
		id, err := pathID(c, parameter)
		if err != nil {
			return queries.File{}, err
		}
		f, err := a.Queries.FileNamed(c, owner, id, c.Param("filename"))
		if frame.Missing(err) {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "File not found")
		}
		return f, err
	}
}

func pathID(c *frame.Call, parameter string) (uuid.UUID, error) {
	id, err := events.ParseID(c.Param(parameter))
	if err != nil {
		return id, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", parameter)
	}
	return id, nil
}

// filePolicy keeps a file that is looked at by itself from doing anything.
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; sandbox"

// bytes is a route that answers with a file, or parts of it.
func (a *api) bytes(path, summary string, find func(*frame.Call) (queries.File, error), traits ...frame.Trait) {
	a.File(path, summary, func(c *frame.Call) {
		if err := c.Fresh(); err != nil {
			c.Refuse(err)
			return
		}
		f, err := find(c)
		if err != nil {
			c.Refuse(err)
			return
		}
		a.serveFile(c, f)
	}, traits...)
}

func (a *api) serveFile(c *frame.Call, f queries.File) {
	blob, err := a.Store.Open(c, f.SHA256)
	if errors.Is(err, media.ErrNoBlob) {
		err = fmt.Errorf("file %s: %w", f.ID, err)
	}
	if err != nil {
		c.Refuse(err)
		return
	}
	defer func() { _ = blob.Close() }()
	h := c.Writer().Header()
	h.Set("Content-Type", contentTypeOf(f.Type))
	h.Set("Content-Disposition", disposition(f))
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("ETag", `"`+f.SHA256[:min(len(f.SHA256), 32)]+`"`)
	control := http.NewResponseController(c.Writer())
	_ = control.SetWriteDeadline(time.Now().Add(frame.UploadTime))
	content := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeContent(w, r, "", f.CreatedAt.Time(), blob) })
	switch status := c.Serve(content, http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed); status {
	case http.StatusRequestedRangeNotSatisfiable:
		c.Refuse(problem.New(status, problem.CodeInvalidRequest, "The file has no such range."))
	case http.StatusPreconditionFailed:
		c.Refuse(problem.New(status, problem.CodeStale, "The file is another one."))
	}
	_ = control.SetWriteDeadline(time.Time{})
}

func contentTypeOf(typ string) string {
	if typ == media.Text {
		return typ + "; charset=utf-8"
	}
	return typ
}

// disposition lets browsers show pictures, audio and video, and save everything else, under the name that it came with.
func disposition(f queries.File) string {
	how := "attachment"
	switch kind, _, _ := strings.Cut(f.Type, "/"); kind {
	case "image", "audio", "video":
		how = "inline"
	}
	return mime.FormatMediaType(how, map[string]string{"filename": f.Name})
}
