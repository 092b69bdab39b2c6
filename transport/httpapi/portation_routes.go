package httpapi

import (
	"annals/transport/httpapi/frame"
	"annals/transport/secrets"
)

// PortationPorts is what import and export need besides the frame.
type PortationPorts struct {
	Secrets secrets.Vault
}

// portationAPI is the frame with these.
type portationAPI struct {
	*frame.API
	PortationPorts
}

// mountPortation adds the routes.
func mountPortation(f *frame.API, p PortationPorts) {
	a := &portationAPI{API: f, PortationPorts: p}
	a.Examples(portationExamples...)
	for _, agent := range frame.OfAnAgent {
		frame.Get(a.API, agent+"/export", "Export all that an agent is and remembers", a.exportAgent, frame.Remembering, frame.InLines(exportedLines()...))
		frame.Post(a.API, agent+"/import", "Import what an export wrote, or a character with memories", a.importAgent, records, frame.Remembering, frame.InLines(importedLines()...), frame.Takes(`{"name":"Iris","bio":["Listens."],"memories":[{"content":{"text":"Tea."}}]}`))
	}
}
