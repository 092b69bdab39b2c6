package httpapi

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/media"
	"annals/transport/problem"
)

// FilePath names a file.
type FilePath struct {
	FileID id `path:"fileId"`
}

func (a *API) deleteFile(c *call, in *FilePath) (none, error) {
	_, err := run(c, &commands.DeleteFile{FileID: in.FileID.UUID})
	return none{}, err
}

// files are the routes whose answers are the bytes of a file.
func (a *API) files() {
	a.bytes("/media/uploads/agents/:agentId/:filename", "A file of an agent", a.fileOf(events.FileOfAgent, "agentId"), bySignature)
	a.bytes("/media/uploads/channels/:channelId/:filename", "A file of a channel", a.fileOf(events.FileOfChannel, "channelId"), bySignature)
	a.bytes("/media/generated/:agentId/:filename", "A file that an agent made", a.fileOf(events.FileByGenerator, "agentId"), bySignature)
	a.bytes("/api/media/files/:fileId", "The bytes of a file", func(ctx context.Context, g *gin.Context) (queries.File, error) {
		id, err := pathID(g, "fileId")
		if err != nil {
			return queries.File{}, err
		}
		return a.o.Queries.File(ctx, id)
	})
}

// bySignature may be asked for by an address that was given out in an answer.
func bySignature(o *operation) { o.access.signed = true }

func (a *API) fileOf(owner, parameter string) func(context.Context, *gin.Context) (queries.File, error) {
	return func(ctx context.Context, g *gin.Context) (queries.File, error) {
		id, err := pathID(g, parameter)
		if err != nil {
			return queries.File{}, err
		}
		f, err := a.o.Queries.FileNamed(ctx, owner, id, g.Param("filename"))
		if missing(err) {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "File not found")
		}
		return f, err
	}
}

func pathID(g *gin.Context, parameter string) (uuid.UUID, error) {
	id, err := events.ParseID(g.Param(parameter))
	if err != nil {
		return id, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", parameter)
	}
	return id, nil
}

// filePolicy keeps a file that is looked at by itself from doing anything.
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; sandbox"

// bytes is a route that answers with a file, or parts of it.
func (a *API) bytes(path, summary string, find func(context.Context, *gin.Context) (queries.File, error), traits ...trait) {
	file := operation{answer: answer{status: http.StatusOK, raw: true, ranges: true, types: aFile}, limits: limits{file: true}}
	a.give(path, summary, func(g *gin.Context) {
		c := callOf(g.Request.Context())
		if err := c.after("X-Annals-After", g.GetHeader("X-Annals-After")); err != nil {
			a.refuse(g, err)
			return
		}
		f, err := find(c, g)
		if err != nil {
			a.refuse(g, err)
			return
		}
		a.serveFile(c, f)
	}, file, traits...)
}

func (a *API) serveFile(c *call, f queries.File) {
	g := c.gin
	blob, err := a.o.Media.Open(c, f.SHA256)
	if errors.Is(err, media.ErrNoBlob) {
		err = fmt.Errorf("file %s: %w", f.ID, err)
	}
	if err != nil {
		a.refuse(g, err)
		return
	}
	defer func() { _ = blob.Close() }()
	h := g.Writer.Header()
	h.Set("Content-Type", contentTypeOf(f.Type))
	h.Set("Content-Disposition", disposition(f))
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("ETag", `"`+f.SHA256[:min(len(f.SHA256), 32)]+`"`)
	control := http.NewResponseController(g.Writer)
	_ = control.SetWriteDeadline(time.Now().Add(uploadTime))
	w := &held{ResponseWriter: g.Writer, back: []int{http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed}}
	http.ServeContent(w, g.Request, "", f.CreatedAt.Time(), blob)
	switch w.status {
	case http.StatusRequestedRangeNotSatisfiable:
		a.refuse(g, problem.New(w.status, problem.CodeInvalidRequest, "The file has no such range."))
	case http.StatusPreconditionFailed:
		a.refuse(g, problem.New(w.status, problem.CodeStale, "The file is another one."))
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
