package system

import "annals/transport/httpapi/example"

var aModel = Capability{Kind: "text", Name: "classic", Version: "1"}

// examples are answers as the operations give them.
var examples = []any{
	versionAnswer{"1.2.0", "server", example.ISO, "development", 61.5},
	map[string]string{"OPENAI_BASE_URL": "http://localhost:11434/v1"},
	Capabilities{Models: []Capability{aModel}, Speech: []Capability{}, Converters: []Capability{}, Hardware: []Capability{}, Plugins: []Capability{}},
}
