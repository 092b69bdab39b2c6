package node

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"annals/transport/httpapi/system"
)

// tools are programs that the server can make use of, and how they tell their version.
var tools = []struct{ list, kind, name, asked string }{
	{"speech", "speak", "espeak-ng", "--version"},
	{"speech", "listen", "pocketsphinx", "--version"},
	{"converters", "audio", "ffmpeg", "-version"},
	{"converters", "picture", "vips", "--version"},
	{"converters", "document", "pdftotext", "-v"},
}

// devices are how trusted hardware shows.
var devices = []struct{ name, path string }{
	{"tdx", "/dev/tdx_guest"}, {"sev-snp", "/dev/sev-guest"}, {"dstack", "/var/run/dstack.sock"}, {"tpm", "/dev/tpmrm0"},
}

// capabilities finds out once what this machine has.
func capabilities(c Config) func(context.Context) system.Capabilities {
	machine := sync.OnceValue(func() system.Capabilities { return onMachine(context.Background()) })
	return func(context.Context) system.Capabilities {
		found := machine() //nolint:contextcheck // it is found out once, for everybody
		for _, m := range c.Models().Capabilities() {
			capability := system.Capability{Kind: m.Kind, Name: m.Provider, Model: m.Model}
			if m.Model == "" {
				capability.Version = Version // of ours
			}
			found.Models = append(found.Models, capability)
		}
		return found
	}
}

func onMachine(ctx context.Context) (found system.Capabilities) {
	for _, t := range tools {
		path, err := exec.LookPath(t.name)
		if err != nil {
			continue
		}
		c := system.Capability{Kind: t.kind, Name: t.name, Version: versionOf(ctx, path, t.asked)}
		if t.list == "speech" {
			found.Speech = append(found.Speech, c)
		} else {
			found.Converters = append(found.Converters, c)
		}
	}
	for _, d := range devices {
		if _, err := os.Stat(d.path); err == nil {
			found.Hardware = append(found.Hardware, system.Capability{Kind: "tee", Name: d.name})
		}
	}
	return found
}

var number = regexp.MustCompile(`\d+(\.\d+)+\S*`)

// versionOf is the first number with dots that a program says of itself, empty when it says none in time.
func versionOf(ctx context.Context, path, asked string) string {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, asked)
	cmd.WaitDelay = time.Second
	out, _ := cmd.CombinedOutput() // some end with an error and tell nevertheless
	first, _, _ := strings.Cut(string(out), "\n")
	return number.FindString(first)
}
