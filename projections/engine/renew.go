package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// linger is how long Renew waits until those who project what was shown before have let go of it.
const linger = 30 * time.Second

// Renew fills projections anew, as Rebuild does, and leaves no row of what the log said before: not of what was half filled,
// not of what was shown, and not in a past (see Past). It returns what is in use nevertheless, and by whom. When it is
// interrupted, the same call goes on.
func Renew(ctx context.Context, o Options, names []string, report func(Progress)) (left []InUse, err error) {
	conn, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer disconnect(ctx, conn)
	if err := prepare(ctx, conn, o.Log, o.Projections); err != nil {
		return nil, err
	}
	old, err := outdate(ctx, conn, o.Log, names)
	if err != nil {
		return nil, err
	}
	if err := dropPasts(ctx, conn); err != nil {
		return nil, err
	}
	if err := Rebuild(ctx, o, names, report); err != nil {
		return nil, err
	}
	for end := time.Now().Add(linger); ; {
		if err := sweep(ctx, conn); err != nil {
			return nil, err
		}
		if left, err = there(ctx, conn, old); err != nil || len(left) == 0 || time.Now().After(end) {
			return left, errors.Join(err, wipe(ctx, conn))
		}
		select {
		case <-ctx.Done():
			return left, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// moveOn ends the current segment of PostgreSQL's log; it needs a record in it.
const moveOn = `select pg_logical_emit_message(false, 'annals', 'wiped'); select pg_switch_wal()`

// walAhead reports whether segments are made ready that follow the current one. They may be old ones, with what they held, from
// before the server was told to reuse none; one that reuses them would make them ready again.
const walAhead = `select current_setting('wal_recycle') = 'off' and exists (select from pg_ls_waldir()
where name ~ '^[0-9A-F]{24}$' and name > pg_walfile_name(pg_current_wal_lsn()))`

// wipeSegments bounds how many segments are moved past.
const wipeSegments = 128

// wipe removes what PostgreSQL keeps of rows that are gone: samples of their values in its statistics, and the changes in its log.
// The log is moved past the segments that may hold them, which a checkpoint then removes, since the private cluster reuses none
// (wal_recycle). A server elsewhere may not allow it: its log is in the care of its operator (deploy/docs/erasure.md).
//
// PostgreSQL copies a row that is gone as long as a transaction began before it went, whatever that reads: so those are waited for.
func wipe(ctx context.Context, conn *pgx.Conn) error {
	if err := settled(ctx, conn); err != nil {
		return err
	}
	for _, statement := range []string{"vacuum (full) pg_catalog.pg_statistic", "vacuum (full) pg_catalog.pg_statistic_ext_data"} {
		if err := allowed(conn.Exec(ctx, statement)); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	for range wipeSegments {
		_, err := conn.Exec(ctx, moveOn, pgx.QueryExecModeSimpleProtocol)
		ahead := false
		if err == nil {
			err = conn.QueryRow(ctx, walAhead).Scan(&ahead)
		}
		if refused(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("move on in PostgreSQL's log: %w", err)
		}
		if !ahead {
			break
		}
	}
	return allowed(conn.Exec(ctx, "checkpoint"))
}

// before names a session in which a transaction began before one that has ended meanwhile, or one that is prepared.
const before = `
select format('process %s of PostgreSQL (%s)', pid, coalesce(nullif(application_name, ''), backend_type)) from pg_stat_activity
where pid <> pg_backend_pid() and (datname = current_database() or datname is null and backend_type = 'walsender')
	and (age(backend_xmin) > age($1::text::xid) or age(backend_xid) > age($1::text::xid))
union all select format('the prepared transaction %s', gid) from pg_prepared_xacts
where database = current_database() and age(transaction) > age($1::text::xid)
limit 1`

// settled waits until all transactions have ended that began before now.
func settled(ctx context.Context, conn *pgx.Conn) error {
	var now string
	if err := conn.QueryRow(ctx, `select pg_current_xact_id()::xid::text`).Scan(&now); err != nil {
		return err
	}
	for end := time.Now().Add(linger); ; {
		var holder string
		err := conn.QueryRow(ctx, before, now).Scan(&holder)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%s is in the midst of a transaction, which keeps what PostgreSQL knows of the rows: end it", holder)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// allowed is the error of a statement, unless this role may not run it.
func allowed(_ pgconn.CommandTag, err error) error {
	if refused(err) {
		return nil
	}
	return err
}

func refused(err error) bool {
	var denied *pgconn.PgError
	return errors.As(err, &denied) && denied.Code == "42501" // insufficient_privilege
}

// outdate gives up what is half filled, and tells which generations there are of whatever version.
func outdate(ctx context.Context, conn *pgx.Conn, log uuid.UUID, names []string) (old []int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, prepareLock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update annals.generations set retired = true where log = $1 and projection = any($2) and not ready`, log, names)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select generation from annals.generations where log = $1 and projection = any($2)`, log, names)
		if err != nil {
			return err
		}
		if old, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, changed)
		return err
	})
	return old, err
}

// InUse is a generation that cannot be dropped yet.
type InUse struct {
	Schema string
	Builds []string // the schemas of views of other builds, which read it
	Holder string   // the session that projects it, empty for none
}

// there returns the generations that are not dropped yet. A node that is frozen, or whose way to PostgreSQL hangs, holds its
// lock until its session ends. PostgreSQL lists the locks of all its databases; those of others have the same numbers.
func there(ctx context.Context, conn *pgx.Conn, gens []int64) ([]InUse, error) {
	rows, err := conn.Query(ctx, `
select projection || '_g' || generation,
	array(select views from annals.readers r where r.generation = g.generation order by 1),
	coalesce((select format('process %s of PostgreSQL, for a client at %s', a.pid, coalesce(host(a.client_addr), 'its unix socket'))
		from pg_locks l join pg_stat_activity a using (pid)
		where l.locktype = 'advisory' and l.granted and l.pid <> pg_backend_pid() and l.objsubid = 2
			and l.database = (select oid from pg_database where datname = current_database())
			and l.classid::bigint = hashtext('annals.generation')::bigint & 4294967295 and l.objid::bigint = g.generation limit 1), '')
from annals.generations g
where generation = any($1) and to_regnamespace(projection || '_g' || generation) is not null order by 1`, gens)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[InUse])
}

// BeginErasure notes that rows may show the text of a subject until EndErasure says that they do not.
func BeginErasure(ctx context.Context, o Options, subject uuid.UUID) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	if err := prepare(ctx, conn, o.Log, o.Projections); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `insert into annals.erasures (subject) values ($1) on conflict (subject) do update set begun = now()`, subject)
	return err
}

// EndErasure takes the note away. All that was noted before has gone, too: Renew leaves no row of before.
func EndErasure(ctx context.Context, o Options, subject uuid.UUID) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	_, err = conn.Exec(ctx, `delete from annals.erasures where begun <= (select begun from annals.erasures where subject = $1)`, subject)
	return err
}

// beingErased is how long an erasure may take before it counts as unfinished.
const beingErased = time.Minute

// Unfinished lists the subjects whose erasure was begun and not finished, the oldest first.
func Unfinished(ctx context.Context, db querier) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, `select subject from annals.erasures where begun < now() - make_interval(secs => $1) order by begun`, beingErased.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Pasts lists the schemas of past read models.
func Pasts(ctx context.Context, url string) (schemas []string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer disconnect(ctx, conn)
	return pastSchemas(ctx, conn)
}

func pastSchemas(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	if _, err := conn.Exec(ctx, pasts, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, `select schema from annals.pasts where to_regnamespace(quote_ident(schema)) is not null order by 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func dropPasts(ctx context.Context, conn *pgx.Conn) error {
	schemas, err := pastSchemas(ctx, conn)
	for _, schema := range schemas {
		if dropErr := drop(ctx, conn, schema, `delete from annals.pasts where schema = $1`, schema); dropErr != nil {
			err = errors.Join(err, fmt.Errorf("drop the past %s: %w", schema, dropErr))
		}
	}
	return err
}
