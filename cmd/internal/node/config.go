package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/telemetry"
	"annals/events/esdb"
	"annals/transport/httpapi/sessions"
	"annals/transport/limits"
	"annals/transport/models"
)

// Places are where a server keeps what it has; every command that works on that takes them.
type Places struct {
	DataDir       string `name:"data-dir" env:"DATA_DIR" default:".annals" help:"Where everything of this server is kept."`
	PostgresURL   string `name:"postgres-url" env:"POSTGRES_URL" help:"A PostgreSQL with pgvector; otherwise a private one under the data folder."`
	EventStoreURL string `name:"eventstore-url" env:"EVENTSTORE_URL" help:"An EventStoreDB, esdb:// or esdb+discover://; otherwise the embedded one."`
	LogLevel      Level  `name:"log-level" env:"LOG_LEVEL" default:"info" help:"What is written to the standard error: debug, info, warn or error."`
}

// Listening is the address of a server, and which machines reach it.
type Listening struct {
	Port int    `name:"port" env:"SERVER_PORT" default:"3000" help:"Port to serve on; 0 takes a free one."`
	Host string `name:"host" env:"SERVER_HOST" default:"127.0.0.1" help:"Address to serve on. Without a key it must be one of this machine alone, unless ALLOW_OPEN is on."`
	Key  string `name:"key" env:"ELIZA_SERVER_AUTH_TOKEN" help:"Key that clients must show as X-API-KEY. Prefer the environment: command lines are visible to other users."`
}

// Uploads is where files lie.
type Uploads struct {
	BlobsURL string `name:"blobs-url" env:"BLOBS_URL" help:"Where the bytes of uploads are kept: s3://bucket?region=…, or file:///folder; otherwise under the data folder."`
}

// CharacterFiles is where characters lie.
type CharacterFiles struct {
	CharactersDir string `name:"characters-dir" env:"CHARACTERS_DIR" default:"deploy/characters" help:"Where characterPath looks."`
}

// Salt is what the secrets of agents are encrypted under.
type Salt struct {
	SecretSalt string `name:"secret-salt" env:"SECRET_SALT" help:"Salt of ElizaOS's encryption of agents' secrets; otherwise one that the server makes at its first start and keeps with the keys."`
}

// Config is everything that can be set, as flags or in the environment, under the names that ElizaOS uses where it has
// one.
type Config struct {
	Listening
	AllowOpen      string `name:"allow-open" env:"ALLOW_OPEN" default:"off" enum:"on,off" help:"on lets anyone who can reach the server use it although no key is set."`
	TrustedProxies string `name:"trusted-proxies" env:"TRUSTED_PROXIES" help:"Addresses and networks, separated by commas, of proxies that may say in X-Forwarded-For where a request came from."`
	CORSOrigin     string `name:"cors-origin" env:"CORS_ORIGIN" help:"Origins, separated by commas, whose pages may call; otherwise loopback only."`
	Places
	Uploads
	ElizaUIDir string `name:"eliza-ui-dir" env:"ELIZA_UI_DIR" help:"A build of ElizaOS's web client to serve at /: make eliza-ui fetches one."`
	CharacterFiles
	CharacterURLs string `name:"character-urls" env:"CHARACTER_URLS" default:"off" enum:"on,off" help:"Whether characterPath may be a URL."`
	RateLimit     string `name:"rate-limit" env:"RATE_LIMIT" default:"on" enum:"on,off" help:"off lifts every rate; bounds on bytes, connections and clients without a key stay."`
	Salt

	models.First

	Environment string `name:"environment" env:"NODE_ENV" default:"development" help:"What /api/system/version says; nothing else depends on it."`

	models.Settings
	SessionTimes

	AgentModelHosts string `name:"agent-model-hosts" env:"AGENT_MODEL_HOSTS" help:"Hosts, separated by commas, at which characters may name models although they are private, or not reached by https."`

	HeadsTo string `name:"heads-to" env:"HEADS_TO" help:"Where signed heads of the chain are kept besides, out of reach of this machine's operator: file:///… to append to, or https://… to post to."`

	TracesURL string `name:"traces-url" env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"Where OpenTelemetry traces go, over HTTP; none are made without it."`
}

// SessionTimes are in minutes. Values beyond what ElizaOS 1.7.2 allows count as the nearest that it does.
type SessionTimes struct {
	SessionTimeout    int `name:"session-default-timeout-minutes" env:"SESSION_DEFAULT_TIMEOUT_MINUTES" default:"30" help:"Minutes without use after which a session ends, where neither agent nor client say otherwise: 1 to 10080."`
	SessionMinTimeout int `name:"session-min-timeout-minutes" env:"SESSION_MIN_TIMEOUT_MINUTES" default:"5" help:"The least that agents and clients may ask for: 1 to 60."`
	SessionMaxTimeout int `name:"session-max-timeout-minutes" env:"SESSION_MAX_TIMEOUT_MINUTES" default:"1440" help:"The most that agents and clients may ask for: 60 to 10080."`
	SessionDuration   int `name:"session-max-duration-minutes" env:"SESSION_MAX_DURATION_MINUTES" default:"720" help:"Minutes after which a session ends however much it is used: 60 to 20160."`
	SessionWarning    int `name:"session-warning-threshold-minutes" env:"SESSION_WARNING_THRESHOLD_MINUTES" default:"5" help:"Minutes before its end from which a session is told to be near it: 1 to 60."`
}

// Validate refuses at the start what would be found out by the first answer.
func (c Config) Validate() error {
	if err := c.Models().Check(); err != nil {
		return err
	}
	if strings.ContainsFunc(c.Key, unicode.IsControl) || strings.TrimSpace(c.Key) != c.Key {
		return errors.New("ELIZA_SERVER_AUTH_TOKEN begins or ends with white space, or has a line feed in it: no client can send such a key")
	}
	if _, err := limits.ParseProxies(c.TrustedProxies); err != nil {
		return fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	return errors.Join(c.check(), checkBlobs(c.BlobsURL), checkHeadsTo(c.HeadsTo), telemetry.CheckURL(c.TracesURL))
}

// check refuses addresses that no waiting makes right.
func (p Places) check() error {
	if p.PostgresURL != "" {
		if _, err := pgx.ParseConfig(p.PostgresURL); err != nil {
			return fmt.Errorf("POSTGRES_URL: %w", err)
		}
	}
	if p.EventStoreURL != "" {
		return esdb.CheckURL(p.EventStoreURL)
	}
	return nil
}

// proxies are those of a valid configuration.
func (c Config) proxies() limits.Proxies {
	all, _ := limits.ParseProxies(c.TrustedProxies)
	return all
}

// allows refuses to serve on an address that other machines reach without a key, unless that is meant.
func (c Config) allows(served net.Addr) error {
	tcp, ok := served.(*net.TCPAddr)
	if c.Key != "" || c.AllowOpen == "on" || ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("without a key anyone who reaches %s could read and change everything: set ELIZA_SERVER_AUTH_TOKEN, or ALLOW_OPEN=on if that is meant", served)
}

// Level is how much is logged.
type Level string

// levels are those of ElizaOS and of Go, by name.
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "verbose": slog.LevelDebug, "info": slog.LevelInfo, "log": slog.LevelInfo, "progress": slog.LevelInfo,
	"success": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError, "fatal": slog.LevelError,
}

// UnmarshalText refuses a level that nobody knows.
func (l *Level) UnmarshalText(text []byte) error {
	*l = Level(strings.ToLower(string(text)))
	if _, known := levels[string(*l)]; !known {
		return fmt.Errorf("there is no level %.40q: LOG_LEVEL is debug, info, warn or error", text)
	}
	return nil
}

// Logger writes structured lines to the standard error.
func (l Level) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: levels[string(l)]}))
}

// Options are those of a command that needs no more than the places.
func (p Places) Options() Options { return Options{Config: Config{Places: p}} }

// Logger writes structured lines to the standard error.
func (p Places) Logger() *slog.Logger { return p.LogLevel.Logger() }

// rules are those of sessions. Without any, as in tests that name no settings, they are those of ElizaOS.
func (t SessionTimes) rules() sessions.Rules {
	if t == (SessionTimes{}) {
		return sessions.DefaultRules
	}
	return sessions.Rules{
		Timeout: within(t.SessionTimeout, 1, 10_080), Least: within(t.SessionMinTimeout, 1, 60), Most: within(t.SessionMaxTimeout, 60, 10_080),
		Duration: within(t.SessionDuration, 60, 20_160), Warning: within(t.SessionWarning, 1, 60),
	}
}

func within(n, least, most int) float64 { return float64(min(max(n, least), most)) }

// Models are those of the server; see models.Characters for those of the characters.
func (c Config) Models() models.Server { return models.Server{First: c.First, Settings: c.Settings} }
