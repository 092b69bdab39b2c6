package httpapi

import "annals/transport/media"

// MediaPorts is what files need besides the frame.
type MediaPorts struct {
	// Store keeps what is uploaded.
	Store *media.Store
}

// mediaAPI is the frame with these.
type mediaAPI struct {
	*API
	MediaPorts
}

// mountMedia adds the routes.
func mountMedia(f *API, p MediaPorts) {
	a := &mediaAPI{API: f, MediaPorts: p}
	a.examples(mediaExamples...)
	post(a.API, "/api/messaging/channels/:channelId/upload-media", "Upload a file into a channel", a.uploadToChat, upload, limited(uploadAttempts, fileOperations))
	post(a.API, "/api/messaging/central-channels/:channelId/upload-media", "Upload a file into a channel", a.uploadToChat, upload, limited(uploadAttempts, fileOperations))
	post(a.API, "/api/media/channels/:channelId/upload-media", "Upload a file into a channel", a.uploadToChannel, anyUpload, limited(channelUploads))
	post(a.API, "/api/media/channels/:channelId/upload", "Upload a file into a channel", a.uploadToChannel, anyUpload, limited(channelUploads))
	post(a.API, "/api/media/agents/:agentId/upload-media", "Upload a file for an agent", a.uploadToAgent, anyUpload)
	post(a.API, "/api/media/agents/:agentId/upload", "Upload a file for an agent", a.uploadToAgent, anyUpload)
	remove(a.API, "/api/media/files/:fileId", "Delete a file", a.deleteFile)
	a.files()
}
