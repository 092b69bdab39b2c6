// Package history is the part of the REST API for auditors: what happened, what a thing was, and why an answer was given.
package history

import "annals/transport/httpapi/frame"

// Ports is what the history needs besides the frame.
type Ports struct {
	Past Past
	// Heads are those of the chain over the log; a server that shows what was has none.
	Heads  Heads
	Verify Verify // may be nil
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/history/events", "List facts of the log, or export them as lines", a.historyEvents, frame.Reads(frame.History), frame.Expensive, frame.InLines(aFact))
	frame.Get(a.API, "/api/history/agents/:id", "Tell an agent's story, or show it as it was", a.agentStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/channels/:id", "Tell a channel's story, or show it as it was", a.channelStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/messages/:id", "Tell a message's story, or show it as it was", a.messageStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/sessions/:id", "Tell a session's story, or show it as it was", a.sessionStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/jobs/:id", "Tell a job's story, or show it as it was", a.jobStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/memories/:id", "Tell a memory's story, or show it as it was", a.memoryStory, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/messages/:id/why", "Show how an answer of an agent came about", a.messageWhy, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/turns/:id/why", "Show how an agent dealt with a message, be it that it failed, was ignored or aborted", a.turnWhy, frame.Reads(frame.History), frame.Expensive)
	frame.Post(a.API, "/api/history/head", "Sign what the log is now, for somebody else to keep", a.signHead, frame.Reads(), frame.Expensive, frame.Asks)
	frame.Get(a.API, "/api/history/proof", "Prove that a signed head covers an event, or goes on from an earlier head", a.prove, frame.Reads(), frame.Expensive)
	frame.Get(a.API, "/api/history/correlations/:id", "Show everything that one request caused, as a tree", a.historyTree, frame.Reads(frame.History), frame.Expensive)
	frame.Get(a.API, "/api/history/verification", "Hold the log against itself and the chain over it", a.verification, frame.Reads(), frame.Expensive)
}
