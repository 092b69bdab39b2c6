package classic

import (
	"net/http"

	"annals/commands/reactions"
)

// Settings are none: ELIZA is always there.
type Settings struct{}

// Name implements models.Provider.
func (Settings) Name() string { return "classic" }

// Chosen implements models.Provider.
func (Settings) Chosen() bool { return true }

// Text implements models.Provider. It sends no request.
func (Settings) Text(http.RoundTripper) reactions.Text { return New() }
