package httpapi

import (
	"context"
	"sync"
)

// SystemPorts is what the system tells of itself.
type SystemPorts struct {
	// Capabilities are what was found on the machine, Configuration what is set, secrets masked.
	Capabilities  func(context.Context) Capabilities
	Configuration map[string]string
	// DataDir holds the local environment.
	DataDir string
	// Environment is what the version's answer says beside it.
	Environment string
}

// systemAPI is the frame with these.
type systemAPI struct {
	*API
	SystemPorts
	environmentLock sync.Mutex // is held while the local environment is written
}

// mountSystem adds the routes.
func mountSystem(f *API, p SystemPorts) {
	a := &systemAPI{API: f, SystemPorts: p}
	a.examples(systemExamples...)
	get(a.API, "/api/system/version", "Tell the version and the time since the start", a.version, bare)
	get(a.API, "/api/system/env", "Show the effective configuration, secrets masked", a.environment)
	get(a.API, "/api/system/env/local", "Show the local environment", a.localEnvironment)
	post(a.API, "/api/system/env/local", "Replace the local environment", a.writeEnvironment, says("Local env updated"), takes(`{"content":{"OPENAI_BASE_URL":"http://localhost:11434/v1"}}`))
	get(a.API, "/api/system/capabilities", "Tell which models, converters and hardware there are", a.capabilities)
}
