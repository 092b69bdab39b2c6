package system

import (
	"annals/queries"
	"annals/transport/httpapi/frame"
)

type versionAnswer struct {
	Version     string      `json:"version" doc:"That of ElizaOS which clients are told."`
	Annals      string      `json:"annals" doc:"That of this server."`
	Compatible  []string    `json:"compatible" doc:"Versions of ElizaOS whose clients are served."`
	Source      string      `json:"source"`
	Timestamp   queries.ISO `json:"timestamp"`
	Environment string      `json:"environment"`
	Uptime      float64     `json:"uptime" doc:"Seconds."`
}

func (a *api) version(*frame.Call, *frame.Nothing) (versionAnswer, error) {
	now := a.Clock()
	return versionAnswer{a.Version, a.Release, []string{"1.2.0", "1.7.2"}, "server", frame.ISO(now), a.Environment, a.Uptime().Seconds()}, nil
}

type configAnswer struct {
	RequiresAuth bool `json:"requiresAuth" doc:"Whether clients have to log in as an entity, which they never have to. A key is another matter."`
}

func (a *api) config(*frame.Call, *frame.Nothing) (configAnswer, error) { return configAnswer{}, nil }
