package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/host"
	"annals/deploy/postgres"
	"annals/transport/httpapi/server"
	"annals/transport/models"
)

// Doctor is the command that names what is missing or wrong, each with its remedy. It changes nothing.
type Doctor struct {
	node.Listening
	node.Places
	node.Uploads
	node.CharacterFiles
	node.Salt
	models.First
	models.Settings
}

// Models are those that are asked whether they answer.
func (d *Doctor) Models() models.Server { return models.Server{First: d.First, Settings: d.Settings} }

// finding is one thing that a doctor says.
type finding struct{ what, remedy string }

// Run implements the command. It fails when something is wrong.
func (d *Doctor) Run(ctx context.Context) error {
	path, err := filepath.Abs(d.DataDir)
	if err != nil {
		return err
	}
	found, usable := folders(path)
	if d.PostgresURL == "" && usable {
		for _, p := range postgres.Check(ctx, filepath.Join(path, "postgres")) {
			found = append(found, finding{p.What, p.Remedy})
		}
	}
	if info, err := os.Stat(d.CharactersDir); err != nil || !info.IsDir() {
		found = append(found, finding{"no characters under " + d.CharactersDir, "set CHARACTERS_DIR to the folder with character files"})
	}
	found = append(found, d.elsewhere(ctx, path)...)
	if usable { // one cause is one finding
		found = append(found, d.serving(ctx, path)...)
	}
	for _, f := range found {
		fmt.Printf("- %s\n  → %s\n", f.what, f.remedy)
	}
	if len(found) > 0 {
		return errors.New(counted(len(found), "finding"))
	}
	fmt.Println("everything is well")
	return nil
}

// folders looks at who may read what is kept, and reports whether the data folder is one, or can become one.
func folders(path string) (found []finding, usable bool) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true // made at the first start
	}
	if err != nil {
		return []finding{{err.Error(), "set DATA_DIR to a folder that this user can read"}}, false
	}
	if !info.IsDir() {
		return []finding{{path + " is no folder", "set DATA_DIR to a folder"}}, false
	}
	if syscall.Access(path, 2) != nil {
		found = append(found, finding{path + " cannot be written", "chown it to the user who runs annals"})
	}
	keys := filepath.Join(path, "keys")
	if info, err := os.Stat(keys); err == nil && info.Mode().Perm()&0o077 != 0 {
		found = append(found, finding{keys + " is open to other users", "chmod 700 " + keys})
	}
	return found, true
}

// serving asks the running server, if there is one.
func (d *Doctor) serving(ctx context.Context, path string) []finding {
	locked, err := host.IsLocked(filepath.Join(path, "lock"))
	if err != nil || !locked {
		fmt.Println("no server runs on", path)
		return slices.Concat(d.parts(path), d.log(ctx, path), d.port(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := node.ServerURL(path)
	if url == "" {
		return []finding{{"the server that holds " + path + " has not begun to answer", "wait until it has started, or read what it says"}}
	}
	url += "/api/server/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return []finding{{err.Error(), "restart the server"}}
	}
	request.Header.Set("X-API-KEY", d.Key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return []finding{{"a server holds " + path + " but does not answer: " + err.Error(), "look at its log; end it if it is frozen"}}
	}
	defer func() { _ = answer.Body.Close() }()
	var health struct {
		Dependencies map[string]string         `json:"dependencies"`
		Projections  []server.ProjectionHealth `json:"projections"`
		Embedding    *server.EmbeddingHealth   `json:"embedding"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&health); err != nil {
		return []finding{{url + " does not answer as annals does: " + err.Error(), "end it, and start annals serve again"}}
	}
	for _, p := range health.Projections {
		fmt.Println(inWords(p))
	}
	var found []finding
	if answer.StatusCode == http.StatusUnauthorized || len(health.Dependencies) == 0 {
		fmt.Println("a server answers at", url)
		found = append(found, finding{"it tells more only to who has its key", "set ELIZA_SERVER_AUTH_TOKEN as for the server"})
	}
	for _, name := range slices.Sorted(maps.Keys(health.Dependencies)) {
		if why, ill := strings.CutPrefix(health.Dependencies[name], "unhealthy: "); ill {
			found = append(found, finding{name + ": " + why, remedies[name]})
		}
	}
	if e := health.Embedding; e != nil && e.Remedy != "" {
		found = append(found, finding{node.OthersIn(*e), e.Remedy})
	}
	return found
}

// inWords tells how far a read model is.
func inWords(p server.ProjectionHealth) string {
	said := fmt.Sprintf("%s (version %d, generation %d): ", p.Name, p.Version, p.Generation)
	more := ""
	if p.Lag.More {
		more = "more than "
	}
	switch {
	case p.Generation == 0:
		said = p.Name + ": nothing can be read yet"
	case p.Lag.Events == 0:
		said += "up to date"
	default:
		said += fmt.Sprintf("%s%d events and %.1f s behind", more, p.Lag.Events, p.Lag.Seconds)
	}
	if p.Filling != 0 {
		said += fmt.Sprintf("; generation %d is being filled", p.Filling)
	}
	if p.Stopped != "" {
		said += "; it stands still: " + p.Stopped
	}
	return said
}

// remedies for what a running server says of itself.
var remedies = map[string]string{
	"eventstore":  "see that the node of EVENTSTORE_URL runs, or that the disk under DATA_DIR has room; the server recovers by itself",
	"postgres":    "see that the server of POSTGRES_URL runs, or read the log under DATA_DIR/postgres; the server recovers by itself",
	"keys":        node.LostKeysRemedy,
	"erasure":     "repeat the command; it names who holds it up",
	"projections": "if they name an event that this build does not know, start the newer build that wrote it",
}
