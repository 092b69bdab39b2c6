// Package vault keeps the keys of subjects in PostgreSQL, for several nodes that share an event store. Its schema is no
// read model: no rebuild touches it, and losing it erases what the keys seal.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
)

const (
	keySize        = 32
	connections    = 5 // one of them watches
	watchEvery     = time.Second
	connectLimit   = 2 * time.Second
	statementLimit = "5s"
	undefinedTable = "42P01"
)

// prepare makes the schema, one node at a time.
const prepare = `
select pg_advisory_xact_lock(hashtextextended('annals.vault', 0));
create schema if not exists vault;
create table if not exists vault.keys (subject uuid primary key, key bytea not null check (octet_length(key) = 32));
create table if not exists vault.salts (name text primary key, salt text not null)`

// Keys is safe for concurrent use, also by several processes.
type Keys struct {
	pool     *pgxpool.Pool
	mu       sync.Mutex
	prepared bool
	epoch    atomic.Int64 // counts how often the table may have become another one
	end      context.CancelFunc
	watching sync.WaitGroup
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
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	k := &Keys{pool: pool, end: end}
	k.watching.Go(func() { k.watch(ctx) })
	return k, nil
}

// identity changes when the table is dropped and made again, or emptied at once.
const identity = `
select coalesce(to_regclass('vault.keys')::oid::bigint, 0), coalesce(pg_relation_filenode(to_regclass('vault.keys'))::bigint, 0)`

// watch looks every second, over one connection, whether the keys are still in the same table. The end of the connection counts
// as a change: a database that was restored from a dump or a base backup has ended it. While PostgreSQL is away nothing changes.
func (k *Keys) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if conn, err := k.pool.Acquire(ctx); err == nil {
			k.epoch.Add(1)
			k.watchOver(ctx, conn)
			conn.Release()
		}
		sleep(ctx)
	}
}

// watchOver returns when the connection has ended.
func (k *Keys) watchOver(ctx context.Context, conn *pgxpool.Conn) {
	var before, now [2]int64
	for first := true; ; first = false {
		limited, cancel := context.WithTimeout(ctx, connectLimit)
		err := conn.QueryRow(limited, identity).Scan(&now[0], &now[1])
		cancel()
		if err != nil {
			return
		}
		if !first && now != before {
			k.epoch.Add(1)
		}
		before = now
		sleep(ctx)
	}
}

func sleep(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(watchEvery):
	}
}

// Stamp implements events.Keys, for all subjects alike.
func (k *Keys) Stamp(uuid.UUID) (events.Stamp, error) {
	return events.Stamp{ID: k.epoch.Load()}, nil
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
func (k *Keys) Close() {
	k.end()
	k.watching.Wait()
	k.pool.Close()
}

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

// Secret returns a secret that the nodes share, by its name. Where there is none, fresh becomes it; an empty one is returned where
// fresh is empty, too.
func (k *Keys) Secret(ctx context.Context, name, fresh string) (secret string, err error) {
	if fresh != "" {
		if err := k.ready(ctx); err != nil {
			return "", err
		}
		if _, err := k.pool.Exec(ctx, `insert into vault.salts (name, salt) values ($1, $2) on conflict do nothing`, name, fresh); err != nil {
			return "", err
		}
	}
	err = k.pool.QueryRow(ctx, `select salt from vault.salts where name = $1`, name).Scan(&secret)
	if errors.Is(err, pgx.ErrNoRows) || missing(err) {
		return "", nil
	}
	return secret, err
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
