package system

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"annals/commands"
	"annals/transport/dotenv"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// environment is the effective configuration, secrets masked.
func (a *api) environment(*frame.Call, *frame.Nothing) (map[string]string, error) {
	return a.Configuration, nil
}

// localEnvironment is what the file in the data folder says.
func (a *api) localEnvironment(c *frame.Call, _ *frame.Nothing) (map[string]string, error) {
	if err := c.Here("read the local environment"); err != nil {
		return nil, err
	}
	return a.readEnvironment()
}

func (a *api) readEnvironment() (map[string]string, error) {
	text, err := os.ReadFile(a.environmentFile())
	if errors.Is(err, os.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the local environment: %w", err)
	}
	return dotenv.Parse(string(text)), nil
}

func (a *api) environmentFile() string { return filepath.Join(a.DataDir, ".env") }

type newEnvironment struct {
	Body struct {
		Content frame.Object `json:"content" doc:"The whole environment: names and values. null is empty."`
	}
}

// writeEnvironment replaces the file as a whole. The fact that is recorded names what changed; it is recorded when the new
// file lies ready, and before it takes the place of the old one.
func (a *api) writeEnvironment(c *frame.Call, in *newEnvironment) (frame.NoData, error) {
	if err := c.Here("change the local environment"); err != nil {
		return frame.NoData{}, err
	}
	wanted, err := variables(in.Body.Content)
	if err != nil {
		return frame.NoData{}, err
	}
	a.environmentLock.Lock()
	defer a.environmentLock.Unlock()
	before, err := a.readEnvironment()
	if err != nil {
		return frame.NoData{}, err
	}
	ready, err := dotenv.Prepare(a.environmentFile(), wanted)
	if err != nil {
		return frame.NoData{}, fmt.Errorf("write the local environment: %w", err)
	}
	defer ready.Discard()
	if _, err := frame.Run(c, commands.ChangeEnvironment{Keys: changed(before, wanted)}); err != nil {
		return frame.NoData{}, err
	}
	return frame.NoData{}, ready.Commit()
}

// variables reads names and values as they go into the file.
func variables(content frame.Object) (map[string]string, error) {
	if content == nil {
		return nil, problem.New(http.StatusBadRequest, problem.CodeInvalidInput, `Missing or invalid "content" in request body`)
	}
	out := map[string]string{}
	for name, raw := range content.Fields() {
		if !dotenv.IsName(name) {
			return nil, problem.New(http.StatusBadRequest, problem.CodeInvalidInput, "%.80q is no name of a variable", name)
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, err
		}
		switch value := value.(type) {
		case nil:
			out[name] = ""
		case string:
			out[name] = value
		case bool, float64:
			out[name] = strings.TrimSpace(string(raw))
		default:
			return nil, problem.New(http.StatusBadRequest, problem.CodeInvalidInput, "%s is neither text nor a number", name)
		}
	}
	return out, nil
}

// changed names what differs, sorted.
func changed(before, after map[string]string) []string {
	names := map[string]bool{}
	for name, value := range after {
		if old, ok := before[name]; !ok || old != value {
			names[name] = true
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
