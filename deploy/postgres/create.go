package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// makeReady leaves a data folder that the server can open: of its own major version, with our configuration.
func (c *Cluster) makeReady(ctx context.Context) error {
	if err := c.moveAside(); err != nil {
		return err
	}
	if majorOf(c.place.data) == 0 {
		if err := c.create(ctx); err != nil {
			return err
		}
	}
	return c.configure()
}

// moveAside puts the data of another major version, which this server cannot open, beside the cluster's folder.
// What is lost from sight are read models, made again from the events.
func (c *Cluster) moveAside() error {
	major := majorOf(c.place.data)
	if major == 0 || major == c.server.major {
		return nil
	}
	aside := filepath.Join(filepath.Dir(c.place.home), fmt.Sprintf("postgres-%d-%s", major, timestamp()))
	if err := os.Rename(c.place.data, aside); err != nil {
		return fmt.Errorf("move the data of PostgreSQL %d aside: %w", major, err)
	}
	c.opts.Say("the data folder was made by PostgreSQL %d and this is %d: moved to %s; a new cluster is made and the read models are built again", major, c.server.major, aside)
	return nil
}

// create makes the data folder. It appears under its name only when whole.
func (c *Cluster) create(ctx context.Context) error {
	c.opts.Say("creating a PostgreSQL %d cluster in %s", c.server.major, c.place.data)
	unfinished := c.place.data + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := errors.Join(os.Mkdir(unfinished, 0o700), c.place.own(unfinished)); err != nil {
		return err
	}
	args := []string{"-D", unfinished, "-U", owner, "--encoding=UTF8", "--locale=" + locale(), "--auth-local=trust", "--auth-host=reject"}
	if c.opts.Ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, c.server.program("initdb"), args...)
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = c.place.process()
	if out, err := cmd.CombinedOutput(); err != nil {
		err = fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
		if strings.Contains(string(out), "could not look up effective user ID") {
			err = fmt.Errorf("%w; run as a user that is in /etc/passwd, or set POSTGRES_URL", err)
		}
		return err
	}
	if err := os.Remove(c.place.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no cluster and is in the way: %w", c.place.data, err)
	}
	return os.Rename(unfinished, c.place.data)
}

// locale sorts by code point and knows letters beyond ASCII; macOS has no such locale.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "C"
	}
	return "C.UTF-8"
}

// The socket folder's permissions guard the server. Logs carry neither statements nor values: they may be personal.
// ALTER SYSTEM overrides what is here.
const configuration = `# Written by annals at every start. Use ALTER SYSTEM for changes of your own.
listen_addresses = ''
port = %s
unix_socket_directories = '%s'
unix_socket_permissions = 0700
cluster_name = 'annals'
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'

# A small machine, shared with the agent server; short queries on read models.
shared_buffers = '128MB'
effective_cache_size = '1GB'
work_mem = '8MB'
maintenance_work_mem = '128MB'
random_page_cost = 1.1
jit = off
max_worker_processes = 4
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0 # vector index builds would want more shared memory than containers have

# One server, no replicas.
wal_level = minimal
max_wal_senders = 0
max_wal_size = '1GB'
min_wal_size = '128MB'
wal_recycle = off # an old segment would keep the text of who was erased until it is written over
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9

logging_collector = off
log_checkpoints = off
log_line_prefix = '%%m [%%p] '
log_min_messages = log # hides errors, which the client is told and may hold values
log_min_error_statement = panic
log_error_verbosity = terse
`

// A killed server still has all that was committed: only the machine's own crash would lose it.
const ephemeral = `
fsync = off
full_page_writes = off
max_connections = 200
`

func (c *Cluster) configure() error {
	text := fmt.Sprintf(configuration, port, strings.ReplaceAll(c.place.sockets, "'", "''"))
	if c.opts.Ephemeral {
		text += ephemeral
	}
	path := filepath.Join(c.place.data, "postgresql.conf")
	unfinished := path + ".new"
	return errors.Join(
		os.WriteFile(unfinished, []byte(text), 0o600),
		c.place.own(unfinished),
		os.Rename(unfinished, path),
	)
}

// ensureDatabase makes the database and the extension unless they are there.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	extend := func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "create extension if not exists vector")
		return err
	}
	err := c.with(ctx, database, extend)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "3D000" { // invalid_catalog_name: no such database
		err = c.with(ctx, "postgres", func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "create database "+database)
			return err
		})
		if err == nil {
			err = c.with(ctx, database, extend)
		}
	}
	if err != nil {
		return fmt.Errorf("make database %s with pgvector: %w", database, err)
	}
	return nil
}
