// Package vault keeps the keys of subjects in PostgreSQL, for several nodes that share an event store. Its schema is no
// read model: no rebuild touches it, and losing it erases what the keys seal.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
)

const (
	keySize        = 32
	connections    = 4
	connectLimit   = 2 * time.Second
	statementLimit = "5s"
	undefinedTable = "42P01"
)

// prepare makes the schema, one node at a time.
const prepare = `
select pg_advisory_xact_lock(hashtextextended('annals.vault', 0));
create schema if not exists vault;
create table if not exists vault.keys (subject uuid primary key, key bytea not null check (octet_length(key) = 32))`

// Keys is safe for concurrent use, also by several processes.
type Keys struct {
	pool     *pgxpool.Pool
	mu       sync.Mutex
	prepared bool
}

var _ events.Keys = (*Keys)(nil)

// New keeps the keys in the database at the URL. It fails only when the URL cannot be read: a database that is away is
// looked for again at each call.
func New(ctx context.Context, url string) (*Keys, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("URL of PostgreSQL: %w", err)
	}
	config.MaxConns = connections
	// A key is safe before anything that it seals is written.
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	config.ConnConfig.RuntimeParams["application_name"] = "annals vault"
	config.ConnConfig.RuntimeParams["statement_timeout"] = statementLimit
	config.ConnConfig.ConnectTimeout = connectLimit
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Keys{pool: pool}, nil
}

// ready makes the schema where it is missing.
func (k *Keys) ready(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.prepared {
		return nil
	}
	if _, err := k.pool.Exec(ctx, prepare, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("prepare the vault: %w", err)
	}
	k.prepared = true
	return nil
}

// Close ends the connections.
func (k *Keys) Close() { k.pool.Close() }

// Key implements events.Keys.
func (k *Keys) Key(ctx context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	if create {
		if err := k.ready(ctx); err != nil {
			return nil, err
		}
	}
	for ctx.Err() == nil {
		var key []byte
		err := k.pool.QueryRow(ctx, `select key from vault.keys where subject = $1`, [16]byte(subject)).Scan(&key)
		switch {
		case err == nil:
			return key, nil
		case !errors.Is(err, pgx.ErrNoRows) && !missing(err):
			return nil, err
		case !create:
			return nil, nil
		}
		fresh := make([]byte, keySize)
		_, _ = rand.Read(fresh) // never fails, see crypto/rand
		_, err = k.pool.Exec(ctx, `insert into vault.keys (subject, key) values ($1, $2) on conflict do nothing`, [16]byte(subject), fresh)
		if err != nil {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

// missing reports whether there is no vault: only the first key makes it.
func missing(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == undefinedTable
}

// Destroy implements events.Keys.
func (k *Keys) Destroy(ctx context.Context, subject uuid.UUID) error {
	if err := k.ready(ctx); err != nil {
		return err
	}
	_, err := k.pool.Exec(ctx, `delete from vault.keys where subject = $1`, [16]byte(subject))
	return err
}
