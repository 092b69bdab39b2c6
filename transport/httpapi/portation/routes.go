// Package portation is the part of the REST API that exports all that an agent is and remembers, and imports it again.
package portation

import (
	"golang.org/x/sync/semaphore"

	"annals/transport/httpapi/frame"
	"annals/transport/secrets"
)

// Ports is what import and export need besides the frame.
type Ports struct {
	Secrets secrets.Vault
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
	underWay *semaphore.Weighted // bytes of memories on their way into the log
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p, underWay: semaphore.NewWeighted(maxUnderWay.Value)}
	a.Examples(examples...)
	for _, agent := range frame.OfAnAgent {
		frame.Get(a.API, agent+"/export", "Export all that an agent is and remembers", a.exportAgent, frame.Remembering, frame.InLines(exportedLines()...))
		frame.Post(a.API, agent+"/import", "Import what an export wrote, or a character with memories", a.importAgent, records, frame.Remembering, frame.InLines(importedLines()...), frame.Takes(`{"name":"Iris","bio":["Listens."],"memories":[{"content":{"text":"Tea."}}]}`))
	}
}
