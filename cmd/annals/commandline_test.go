package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"annals/deploy/postgres/pgtest"
)

// performed is what a command line wrote, and its exit status.
type performed struct {
	out, err string
	status   int
}

// annalsDoes runs a command line in a folder of its own, with nothing set but these settings.
func annalsDoes(t *testing.T, settings []string, args ...string) performed {
	t.Helper()
	var out, err strings.Builder
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{asAnnals + "=1", "HOME=" + cmd.Dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, settings...)
	cmd.Stdout, cmd.Stderr = &out, &err
	exit := new(exec.ExitError)
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	left, readErr := os.ReadDir(cmd.Dir)
	if readErr != nil || len(left) > 0 {
		t.Errorf("annals %v left %v in an empty folder", args, left)
	}
	return performed{out.String(), err.String(), cmd.ProcessState.ExitCode()}
}

const nobody = "99999999-9999-4999-8999-999999999999"

// failing are command lines that fail, by the words that lead to the command.
var failing = map[string][]struct {
	args   string
	status int
	says   string
}{
	"": {
		{"rebild", 2, `did you mean "rebuild"?`},
		{"rebild --all", 2, `did you mean "rebuild"?`},
		{"--prot 1", 2, `did you mean "--port"`},
		{"everything", 2, "unexpected argument everything"},
		{"--log-level loud", 2, "there is no level"},
		{"--read-only", 2, "--read-only and --schema go together"},
		{"help rebild", 2, `did you mean "rebuild"?`},
	},
	"serve":             {{"now", 2, "unexpected argument now"}, {"--port http", 2, "port"}, {"--rate-limit maybe", 2, "must be one of"}, {"--key=\x01", 2, "no client can send"}, {"--postgres-url postgres://u:s3cret@:x/y", 2, "POSTGRES_URL: cannot parse"}, {"--eventstore-url http://u:s3cret@x", 2, "EVENTSTORE_URL: an invalid scheme"}, {"--eventstore-url esdb://u:s3cret@x:y", 2, "EVENTSTORE_URL: invalid port"}, {"--blobs-url s4://u:s3cret@x", 2, "BLOBS_URL begins with neither"}, {"--traces-url u:s3cret@x", 2, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"}, {"--host=", 2, "--host is empty"}, {"--eliza-ui-dir nowhere", 1, "nowhere"}},
	"rebuild":           {{"", 2, "name the projections"}, {"--all messages", 2, "name the projections"}, {"--until yesterday --into x", 1, "there is nothing yet"}, {"--until 5", 2, "--into SCHEMA"}, {"--all", 1, "there is nothing yet"}},
	"embed":             {{"--modle x", 2, "did you mean"}, {"--model x", 1, "no endpoint to embed with"}, {"", 1, "there is nothing yet"}},
	"history":           {{"--type NoSuch", 2, "there is no type NoSuch"}, {"--type MesageSubmitted", 2, "did you mean MessageSubmitted?"}, {"--since yesterday", 2, `"yesterday" is no time such as 2026-11-01`}, {"--agent me", 2, `--agent: "me" is no UUID`}, {"", 1, "there is nothing yet"}},
	"why":               {{"", 2, "id"}, {"me", 2, `"me" is no UUID`}, {nobody, 1, "there is nothing yet"}},
	"verify":            {{"--form x", 2, "did you mean"}, {"", 1, "there is nothing yet"}, {"--from nowhere", 1, "the keys of the log"}},
	"erase":             {{"", 2, "subject"}, {"Ann", 2, `"Ann" is no UUID`}, {nobody, 1, "there is nothing yet"}},
	"parked":            {{"", 2, "expected one of"}, {"lst", 2, `did you mean "list"?`}},
	"chain":             {{"", 2, "expected one of"}, {"haed", 2, `did you mean "head"?`}},
	"chain head":        {{"", 1, "set DATA_DIR to "}, {"all", 2, "unexpected argument"}},
	"chain prove":       {{"", 2, "give --position"}, {"--position x", 2, "--position"}, {"--position 5", 1, "set DATA_DIR to "}},
	"chain check":       {{"", 2, "give a proof"}, {"nowhere", 2, "give the --heads"}, {"nowhere --heads nowhere", 1, "nowhere"}},
	"mcp":               {{"", 1, "no server runs on"}, {"--url localhost", 2, "is no address such as"}, {"all", 2, "unexpected argument"}},
	"routes":            {{"all", 2, "unexpected argument"}},
	"doctor":            {{"me", 2, "unexpected argument"}, {"--characters-dir nowhere", 1, "1 finding"}},
	"licenses":          {{"all", 2, "unexpected argument"}},
	"version":           {{"all", 2, "unexpected argument"}},
	"parked list":       {{"--group speech", 2, "must be one of"}, {"", 1, "there is nothing yet"}},
	"parked show":       {{"", 2, "event"}, {"x", 2, `"x" is no UUID`}, {nobody, 1, "there is nothing yet"}},
	"parked retry":      {{"", 2, "name the event, or say --all"}, {"--all " + nobody, 2, "name the event"}, {"x", 2, `"x" is no UUID`}, {"--all", 1, "there is nothing yet"}},
	"parked drop":       {{"", 2, "name the event, or say --all"}, {"--all", 1, "there is nothing yet"}},
	"eventstore":        {{"bakup x", 2, `did you mean "backup"?`}, {"--listne x", 2, "did you mean"}},
	"eventstore serve":  {{"--cert nowhere", 1, "certificate"}, {"--listen nowhere", 1, "nowhere"}},
	"eventstore backup": {{"", 2, "dir"}, {"there", 1, "there is no event log in"}, {"there --data .", 1, "there is no event log in"}},
	"eventstore export": {{"", 1, "there is no event log in"}, {"--from http://x", 1, "x"}},
	"eventstore import": {{"nowhere", 1, "nowhere"}},
	"eventstore verify": {{"", 1, "there is no event log in"}, {"--data .", 1, "has no files of a log"}, {"x", 2, "unexpected argument"}},
}

// flagsOf are the flags that a help names, in its order.
func flagsOf(help string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, +)?--([a-z-]+)`).FindAllStringSubmatch(help, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestEveryCommandHasHelpErrorsAndExitStatuses(t *testing.T) {
	database := pgtest.New(t)
	for _, path := range commandPaths(commandLine(t).Node, nil) {
		name := strings.Join(path, " ")
		t.Run("annals "+name, func(t *testing.T) {
			t.Parallel()
			help := annalsDoes(t, nil, append(slices.Clone(path), "--help")...)
			if help.status != 0 || help.err != "" || !strings.HasPrefix(help.out, "Usage: annals") {
				t.Errorf("--help: %+v", help)
			}
			flags := flagsOf(help.out)
			if shared := slices.Index(flags, "data-dir"); shared >= 0 && name != "serve" && name != "doctor" { // these have settings of their own
				for _, own := range flags[shared+1:] {
					if !slices.Contains([]string{"postgres-url", "eventstore-url", "log-level"}, own) {
						t.Errorf("--%s stands behind what every command has", own)
					}
				}
			}
			for _, unused := range []string{"cors-origin", "rate-limit", "eliza-ui-dir", "secret-salt"} {
				useful := name == "serve" || name == "doctor" && unused == "secret-salt"
				if !useful && slices.Contains(flags, unused) {
					t.Errorf("--%s is of no use here", unused)
				}
			}
			if slices.Contains(flags, "data-dir") && name != "doctor" { // it has a test of its own
				badDataDir(t, path)
			}
			if len(failing[name]) == 0 {
				t.Error("nothing is known of how it fails")
			}
			for _, c := range failing[name] {
				settings := []string{"POSTGRES_URL=" + database, "CHARACTERS_DIR=.", "SERVER_PORT=0"}
				got := annalsDoes(t, settings, append(slices.Clone(path), strings.Fields(c.args)...)...)
				if got.status != c.status || !strings.Contains(got.out+got.err, c.says) {
					t.Errorf("annals %s %s: %+v", name, c.args, got)
				}
				if strings.Contains(got.out+got.err, "s3cret") {
					t.Errorf("annals %s %s shows a password: %+v", name, c.args, got)
				}
				if usage := strings.Contains(got.err, "--help\" for how it is used"); usage != (c.status == 2) {
					t.Errorf("annals %s %s points to the help: %t", name, c.args, usage)
				}
			}
		})
	}
}

// badDataDir runs a command on data folders that cannot be one: the error names the folder and the setting.
func badDataDir(t *testing.T, path []string) {
	t.Helper()
	name := strings.Join(path, " ")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	args := map[string]string{
		"why": nobody, "erase": nobody, "parked show": nobody, "parked retry": "--all", "parked drop": "--all", "rebuild": "--all", "eventstore backup": "there", "chain prove": "--position 5",
		"serve": "--port 0", "": "--port 0", "eventstore": "--listen 127.0.0.1:0", "eventstore serve": "--listen 127.0.0.1:0",
	}
	all := append(slices.Clone(path), strings.Fields(args[name])...)
	if err := run(t.Context(), append(all, "--data-dir=")); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "--data-dir is empty") {
		t.Errorf("annals %s --data-dir=: %v", name, err)
	}
	for _, folder := range []string{file, filepath.Join(file, "below")} {
		if err := run(t.Context(), append(all, "--data-dir", folder)); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "set DATA_DIR to ") {
			t.Errorf("annals %s in %s: %v", name, folder, err)
		}
	}
}

func TestAnUnreachableDatabaseFailsTheSameWithAnEventStoreAndWithout(t *testing.T) {
	t.Parallel()
	nowhere := "POSTGRES_URL=postgres://annals@127.0.0.1:1/annals"
	for _, settings := range [][]string{{nowhere, "DATA_DIR=" + t.TempDir()}, {nowhere, "DATA_DIR=" + t.TempDir(), "EVENTSTORE_URL=esdb://127.0.0.1:1?tls=false"}} {
		if err := os.Mkdir(filepath.Join(strings.TrimPrefix(settings[1], "DATA_DIR="), "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"history", "verify", "rebuild --all"} {
			got := annalsDoes(t, settings, strings.Fields(command)...)
			if got.status != 1 || !strings.Contains(got.err, "the PostgreSQL of POSTGRES_URL cannot be reached") {
				t.Errorf("%v, %s: %+v", settings, command, got)
			}
		}
	}
}

func TestALocalEnvironmentThatCannotBeReadBlamesNoSetting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := annalsDoes(t, []string{"DATA_DIR=" + dir}, "serve")
	if got.status != 1 || !strings.Contains(got.err, filepath.Join(dir, ".env")) || strings.Contains(got.err, "--") {
		t.Errorf("%+v", got)
	}
}

func TestTheVersionIsOurOwnBesideThatOfTheAPI(t *testing.T) {
	t.Parallel()
	if asked := annalsDoes(t, nil, "--version"); asked != annalsDoes(t, nil, "version") {
		t.Errorf("--version says %+v", asked)
	}
	if asked := annalsDoes(t, nil, "help", "parked", "list"); asked != annalsDoes(t, nil, "parked", "list", "--help") || asked.status != 0 {
		t.Errorf("help parked list says %+v", asked)
	}
	got := annalsDoes(t, nil, "version")
	if got.status != 0 || !regexp.MustCompile(`^annals 0\.2\.0 \(commit .*\), API of ElizaOS 1\.2\.0\n$`).MatchString(got.out) {
		t.Errorf("%+v", got)
	}
}

// As in `annals history | head`: what the command has started, such as PostgreSQL, would go on if the signal killed it.
func TestACommandWhoseOutputNobodyReadsEndsInOrder(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err := errors.Join(err, read.Close()); err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), os.Args[0], "routes")
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{asAnnals + "=1"}, write, &said
	exit := new(exec.ExitError)
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != statusPipe || said.Len() > 0 {
		t.Errorf("%v: %s", err, &said)
	}
}

func TestASettingOfALevelIsTakenInAnyCaseAndUnderElizaOSsNames(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"INFO", "Debug", "trace", "success", "fatal"} {
		if _, err := new(cli).parse(t.Context(), []string{"serve", "--log-level", level}); err != nil {
			t.Errorf("%s: %v", level, err)
		}
	}
	if wrong := new(kong.ParseError); true {
		_, err := new(cli).parse(t.Context(), []string{"serve", "--log-level", "loud"})
		if !errors.As(err, &wrong) {
			t.Errorf("loud: %v", err)
		}
	}
}
