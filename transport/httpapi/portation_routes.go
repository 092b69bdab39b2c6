package httpapi

// PortationPorts is what import and export need besides the frame.
type PortationPorts struct {
	Secrets vault
}

// portationAPI is the frame with these.
type portationAPI struct {
	*API
	PortationPorts
}

// mountPortation adds the routes.
func mountPortation(f *API, p PortationPorts) {
	a := &portationAPI{API: f, PortationPorts: p}
	a.examples(portationExamples...)
	for _, agent := range ofAnAgent {
		get(a.API, agent+"/export", "Export all that an agent is and remembers", a.exportAgent, remembering, inLines(exportedLines()...))
		post(a.API, agent+"/import", "Import what an export wrote, or a character with memories", a.importAgent, records, remembering, inLines(importedLines()...), takes(`{"name":"Iris","bio":["Listens."],"memories":[{"content":{"text":"Tea."}}]}`))
	}
}
