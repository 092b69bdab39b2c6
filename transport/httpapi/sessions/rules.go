package sessions

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"annals/events"
	"annals/transport/httpapi/frame"
)

// Rules are the server's for the end of sessions, in minutes.
type Rules struct {
	Timeout, Least, Most float64 // without a use, and what a client may ask for
	Duration             float64 // from the creation
	Warning              float64 // before the end
}

// DefaultRules are those of ElizaOS 1.7.2.
var DefaultRules = Rules{Timeout: 30, Least: 5, Most: 1440, Duration: 720, Warning: 5}

// maxWarning bounds the warning: a year.
const maxWarning = 525_600

// wishes are the parts of a timeoutConfig that are there.
type wishes map[string]json.RawMessage

// timeout is what the rules, an agent's settings and a client's wishes come to. What cannot be read is passed over, and what is out
// of bounds is brought within them.
func (r Rules) timeout(settings map[string]json.RawMessage, w wishes) events.SessionTimeout {
	minutes, longest, warning, renew := r.Timeout, r.Duration, r.Warning, true
	for _, from := range []wishes{{
		"timeoutMinutes": settings["SESSION_TIMEOUT_MINUTES"], "maxDurationMinutes": settings["SESSION_MAX_DURATION_MINUTES"],
		"warningThresholdMinutes": settings["SESSION_WARNING_THRESHOLD_MINUTES"], "autoRenew": settings["SESSION_AUTO_RENEW"],
	}, w} {
		minutes = number(from["timeoutMinutes"], minutes)
		longest = number(from["maxDurationMinutes"], longest)
		warning = number(from["warningThresholdMinutes"], warning)
		switch strings.Trim(string(from["autoRenew"]), `"`) {
		case "true":
			renew = true
		case "false":
			renew = false
		}
	}
	minutes = min(max(minutes, r.Least), r.Most)
	return events.SessionTimeout{
		TimeoutMinutes: minutes, AutoRenew: renew, MaxDurationMinutes: min(max(longest, minutes), 2*r.Most),
		WarningThresholdMinutes: min(max(warning, 1), maxWarning),
	}
}

// number reads a number, or a text of one.
func number(raw json.RawMessage, otherwise float64) float64 {
	text := string(raw)
	if raw != nil && raw[0] == '"' {
		text = frame.TextIn(map[string]json.RawMessage{"n": raw}, "n")
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return otherwise
	}
	return n
}

// acceptable reports what is wrong with the wishes of a PATCH, which is empty for nothing.
func (r Rules) acceptable(w wishes) string {
	for name, raw := range w {
		_, bad := map[byte]bool{'{': true, '[': true, 't': true, 'f': true, 'n': true}[raw[0]]
		boolean := raw[0] == 't' || raw[0] == 'f'
		switch name {
		case "autoRenew":
			if !boolean {
				return "Invalid timeout configuration format"
			}
		case "timeoutMinutes", "maxDurationMinutes", "warningThresholdMinutes":
			if bad {
				return "Invalid timeout configuration format"
			}
		}
	}
	if n := number(w["timeoutMinutes"], r.Least); n < r.Least || n > r.Most {
		return "Timeout must be between " + text(r.Least) + " and " + text(r.Most) + " minutes"
	}
	return ""
}

func text(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
