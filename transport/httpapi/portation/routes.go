// Package portation is the part of the REST API that exports all that an agent is and remembers, and imports it again.
package portation

import (
	"golang.org/x/sync/semaphore"

	"annals/transport/httpapi/frame"
	"annals/transport/limits"
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
	slots    chan struct{}       // taken by these: the log is the fastest when it writes many at once
	reading  *limits.Budget      // of values and lines while they are read
	spools   *limits.Budget      // on the disk
	ids      *limits.Budget      // of copies and dry runs
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{
		API: f, Ports: p, underWay: semaphore.NewWeighted(maxUnderWay.Value), slots: make(chan struct{}, maxAtOnce.Int()),
		reading: limits.NewBudget(maxReadInAll, maxReadOfClient, maxValue), spools: limits.NewBudget(maxSpoolInAll, maxSpoolOfClient, maxSpool),
		ids: limits.NewBudget(maxIDsInAll, maxIDs, maxIDs),
	}
	a.Examples(examples...)
	for _, agent := range frame.OfAnAgent {
		frame.Get(a.API, agent+"/export", "Export all that an agent is and remembers", a.exportAgent, frame.Remembering, frame.Expensive, frame.InLines(exportedLines()...))
		frame.Post(a.API, agent+"/import", "Import what an export wrote, or a character with memories", a.importAgent, records, frame.Remembering, frame.InLines(importedLines()...), frame.Takes(`{"name":"Iris","bio":["Listens."],"memories":[{"content":{"text":"Tea."}}]}`))
	}
}
