package system

import (
	"annals/queries"
	"annals/transport/httpapi/frame"
)

type versionAnswer struct {
	Version     string      `json:"version"`
	Source      string      `json:"source"`
	Timestamp   queries.ISO `json:"timestamp"`
	Environment string      `json:"environment"`
	Uptime      float64     `json:"uptime" doc:"Seconds."`
}

func (a *api) version(*frame.Call, *frame.Nothing) (versionAnswer, error) {
	now := a.Clock()
	return versionAnswer{a.Version, "server", frame.ISO(now), a.Environment, a.Uptime().Seconds()}, nil
}
