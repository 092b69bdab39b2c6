package media

import (
	"annals/events"
	"annals/transport/httpapi/example"
)

// examples are answers as the operations give them.
var examples = []any{
	uploaded{
		ID: example.File, URL: mediaPath(events.FileOfChannel, example.Channel, "1795442000449-4.png"), Type: "image/png", Filename: "1795442000449-4.png",
		OriginalName: "me.png", Size: 70, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", MIMEType: "image/png", Width: 1, Height: 1,
	},
}
