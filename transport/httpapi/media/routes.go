// Package media is the part of the REST API that takes files and gives them out.
package media

import (
	"time"

	"annals/transport/httpapi/frame"
	"annals/transport/media"
)

// Ports is what files need besides the frame.
type Ports struct {
	// Store keeps what is uploaded.
	Store *media.Store
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// The recorded limits of uploads (CONTRACT 1.7).
var (
	uploadAttempts = frame.Limited(50, 15*time.Minute, "Too many upload attempts. Please try again later.")
	fileOperations = frame.Limited(100, 5*time.Minute, "Too many file operations. Please try again later.")
	channelUploads = frame.LimitedAsBefore(100, 15*time.Minute, "Too many requests, please try again later.")
)

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Post(a.API, "/api/messaging/channels/:channelId/upload-media", "Upload a file into a channel", a.uploadToChat, frame.Formerly("channels", "central-channels"), frame.Upload, uploadAttempts, fileOperations)
	frame.Post(a.API, "/api/media/channels/:channelId/upload-media", "Upload a file into a channel", a.uploadToChannel, frame.AnyUpload, channelUploads)
	frame.Post(a.API, "/api/media/channels/:channelId/upload", "Upload a file into a channel", a.uploadToChannel, frame.AnyUpload, channelUploads)
	frame.Post(a.API, "/api/media/agents/:agentId/upload-media", "Upload a file for an agent", a.uploadToAgent, frame.AnyUpload)
	frame.Post(a.API, "/api/media/agents/:agentId/upload", "Upload a file for an agent", a.uploadToAgent, frame.AnyUpload)
	frame.Remove(a.API, "/api/media/files/:fileId", "Delete a file", a.deleteFile)
	a.files()
}
