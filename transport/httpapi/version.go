package httpapi

import "annals/queries"

type versionAnswer struct {
	Version     string      `json:"version"`
	Source      string      `json:"source"`
	Timestamp   queries.ISO `json:"timestamp"`
	Environment string      `json:"environment"`
	Uptime      float64     `json:"uptime" doc:"Seconds."`
}

func (a *systemAPI) version(*call, *nothing) (versionAnswer, error) {
	now := a.Clock()
	return versionAnswer{a.Version, "server", iso(now), a.Environment, a.uptime().Seconds()}, nil
}
