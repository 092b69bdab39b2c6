// Package system is the part of the REST API that tells what the server runs on: its version, configuration and capabilities.
package system

import (
	"context"
	"sync"

	"annals/transport/httpapi/frame"
)

// Ports is what the system tells of itself.
type Ports struct {
	// Capabilities are what was found on the machine, Configuration what is set, secrets masked.
	Capabilities  func(context.Context) Capabilities
	Configuration map[string]string
	// DataDir holds the local environment.
	DataDir string
	// Release is the version of annals, Environment what the answer about the version says beside it.
	Release, Environment string
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
	environmentLock sync.Mutex // is held while the local environment is written
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/system/version", "Tell the version and the time since the start", a.version, frame.Bare)
	frame.Get(a.API, "/api/system/config", "Tell what clients have to do before they may talk", a.config)
	frame.Get(a.API, "/api/system/env", "Show the effective configuration, secrets masked", a.environment)
	frame.Get(a.API, "/api/system/env/local", "Show the local environment", a.localEnvironment)
	frame.Post(a.API, "/api/system/env/local", "Replace the local environment", a.writeEnvironment, frame.Says("Local env updated"), frame.Takes(`{"content":{"OPENAI_BASE_URL":"http://localhost:11434/v1"}}`))
	frame.Get(a.API, "/api/system/capabilities", "Tell which models, converters and hardware there are", a.capabilities)
}
