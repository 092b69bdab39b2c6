package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"strings"
	"sync"
	"time"

	"annals/transport/httpapi/frame"
)

// socketIOFiles is the browser client of Socket.IO, which pages load from the server that they speak to. .ci/embed-socketio-client makes
// it; its licences are in deploy/licenses.
//
//go:embed socketio
var socketIOFiles embed.FS

// socketIOClient holds the files by path. They are unpacked when the first of them is asked for.
var socketIOClient = sync.OnceValues(func() (*Shell, error) {
	s := &Shell{files: map[string]*shellFile{}, read: time.Now()}
	all, err := socketIOFiles.ReadDir("socketio")
	if err != nil {
		return nil, err
	}
	for _, entry := range all {
		name, isPacked := strings.CutSuffix(entry.Name(), ".gz")
		if !isPacked {
			continue
		}
		packed, err := socketIOFiles.ReadFile("socketio/" + entry.Name())
		if err != nil {
			return nil, err
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		f := newShellFile(name, content)
		f.gzip = func() []byte { return packed }
		s.files["/socket.io/"+name] = f
	}
	return s, nil
})

// serveSocketIOClient needs no key: a page loads a script without one.
func (a *api) serveSocketIOClient(c *frame.Call) {
	client, err := socketIOClient()
	if err != nil {
		c.Refuse(err)
		return
	}
	f := client.files[c.HTTP().URL.Path]
	if f == nil {
		c.Refuse(frame.ErrNoRoute)
		return
	}
	client.serve(c.Writer(), c.HTTP(), f)
}
