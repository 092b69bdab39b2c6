package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"annals/transport/dotenv"
	"annals/transport/models"
)

// locally are the settings that the local environment, DATA_DIR/.env, may give: which models there are, and how they are
// reached. It is written over the API; who may call the server, where it is reached and which files it opens are not said there.
var locally = append(models.Environment(), "LOG_LEVEL")

// localEnvironment gives settings that neither the command line nor the real environment has. Kong would blame the setting that
// is looked for where the file cannot be read: failed keeps why.
type localEnvironment struct{ failed error }

func (l *localEnvironment) resolve(c *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	i := slices.IndexFunc(flag.Envs, func(name string) bool { return slices.Contains(locally, name) })
	if i < 0 {
		return nil, nil
	}
	if _, there := os.LookupEnv(flag.Envs[i]); there {
		return nil, nil
	}
	dir := slices.IndexFunc(parent.Flags, func(f *kong.Flag) bool { return f.Name == "data-dir" })
	if dir < 0 {
		return nil, nil
	}
	file := filepath.Join(fmt.Sprint(c.FlagValue(parent.Flags[dir])), ".env")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // what is wrong with the folder is said elsewhere
		return nil, nil
	}
	if err != nil {
		l.failed = fmt.Errorf("local environment: %w: make the data folder readable, or set DATA_DIR", err)
		return nil, nil
	}
	if value := dotenv.Parse(string(text))[flag.Envs[i]]; value != "" {
		return value, nil
	}
	return nil, nil
}
