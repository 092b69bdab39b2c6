package system

import "annals/transport/httpapi/example"

var aModel = Capability{Kind: "text", Name: "classic", Version: "1"}

// examples are answers as the operations give them.
var examples = []any{
	versionAnswer{"1.2.0", "0.2.0", []string{"1.2.0", "1.7.2"}, "server", example.ISO, "development", 61.5},
	configAnswer{},
	map[string]string{"OPENAI_BASE_URL": "http://localhost:11434/v1"},
	Capabilities{Models: []Capability{aModel}, Speech: []Capability{}, Converters: []Capability{}, Hardware: []Capability{}, Plugins: []Capability{}},
}
