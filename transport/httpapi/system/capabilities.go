package system

import "annals/transport/httpapi/frame"

// Capabilities are what the server found that it can do, and on what.
type Capabilities struct {
	Models     []Capability `json:"models"`
	Speech     []Capability `json:"speech"`
	Converters []Capability `json:"converters"`
	Hardware   []Capability `json:"hardware"`
	Plugins    []Capability `json:"plugins"`
}

// Capability is one thing that is there.
type Capability struct {
	Kind    string `json:"kind" doc:"What it is for, such as text, embedding, speak, listen, picture, tee."`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Model   string `json:"model,omitempty"`
}

func (a *api) capabilities(c *frame.Call, _ *frame.Nothing) (Capabilities, error) {
	found := a.Capabilities(c)
	for _, l := range []*[]Capability{&found.Models, &found.Speech, &found.Converters, &found.Hardware, &found.Plugins} {
		*l = frame.List(*l)
	}
	return found, nil
}
