package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"annals/events"
)

// generation is one filling of a projection's tables, from the first fact on, in a schema of its own.
type generation struct {
	Projection
	number   int64
	filled   int             // the version that its rows are of; another one than Version while an older one is shown
	position events.Position // as far as its rows are committed
	moved    time.Time
	indexed  bool
	stopped  string // why whoever projects it stands still
	into     string // the schema, where it is not its own (see Past)
}

func (g *generation) schema() string {
	if g.into != "" {
		return g.into
	}
	return schemaOf(g.Name, g.number)
}

func schemaOf(projection string, number int64) string {
	return fmt.Sprintf("%s_g%d", projection, number)
}

func numbers(gens []*generation) []int64 {
	var out []int64
	for _, g := range gens {
		out = append(out, g.number)
	}
	return out
}

// bookkeeping is what is not a read model. generations: how far each filling is; it is ready once it has caught up, and
// retired when nobody reads it any more. readers: which generation each build is shown, and when a node of that build
// last ran. erasures: whose rows may still show the text of subjects whose keys are destroyed. decisions: each time an operator has
// said that the log is to be taken as it is. advance moves checkpoints to an event, only from the values that were read, and tells
// every node; it fails as a whole, with taken, when another node has moved one, or it is retired. Builds that know no events have
// an advance of their own, which leaves event_at behind: then only the position is known. It takes prepareLock first, since
// PostgreSQL fails one of two sessions that replace the same function at once ("tuple concurrently updated").
const bookkeeping = prepareLock + `;
create schema if not exists annals;
create table if not exists annals.generations (
	generation bigint primary key generated always as identity,
	projection text not null,
	version    integer not null,
	log        uuid not null,
	position   bigint not null default 0,
	moved      timestamptz not null default now(),
	indexed    boolean not null default false,
	ready      boolean not null default false,
	retired    boolean not null default false,
	stopped    text not null default '',
	event      uuid,
	event_at   bigint
) with (fillfactor = 20);
do $$ begin
	if not exists (select from pg_attribute where attrelid = 'annals.generations'::regclass and attname = 'event') then
		alter table annals.generations add column event uuid, add column event_at bigint;
	end if;
end $$;
create table if not exists annals.decisions (
	decision bigint primary key generated always as identity,
	log      uuid not null,
	at       timestamptz not null default now()
);
create table if not exists annals.readers (
	views      text not null,
	projection text not null,
	version    integer not null,
	generation bigint,
	seen       timestamptz not null default now(),
	primary key (views, projection)
);
create table if not exists annals.erasures (
	subject uuid primary key,
	begun   timestamptz not null default now()
);
create or replace function annals.advance(generations bigint[], olds bigint[], new bigint, event uuid) returns void language plpgsql as $$
declare
	reached integer;
begin
	update annals.generations c set position = new, event = advance.event, event_at = new, moved = clock_timestamp()
	from unnest(generations, olds) as o(generation, position)
	where c.generation = o.generation and c.position = o.position and not c.retired;
	get diagnostics reached = row_count;
	if reached <> cardinality(generations) then
		raise exception 'another node has moved the checkpoint' using errcode = '` + taken + `';
	end if;
	perform pg_notify('annals', 'moved ' || new || ' ' || array_to_string(generations, ' '));
end $$`

// taken is the SQLSTATE of a checkpoint that is not where it was.
const taken = "AN001"

// changed tells every node that other generations are to be read or projected.
const changed = `select pg_notify('annals', 'changed')`

// isTaken tells that the checkpoints have to be read again: another node moved them, or is about to.
func isTaken(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == taken || strings.HasPrefix(server.Code, "40"))
}

// prepareLock is held until the end of a transaction that changes which generations there are, which of them each build
// reads, or the bookkeeping itself.
const prepareLock = `select pg_advisory_xact_lock(hashtextextended('annals.prepare', 0))`

// exclusive takes, without waiting, the one lock on each generation that says who projects it, and tells which it got. They
// are given back by the end of the connection.
func exclusive(ctx context.Context, conn *pgx.Conn, gens []int64) ([]int64, error) {
	if len(gens) == 0 {
		return nil, nil
	}
	rows, err := conn.Query(ctx, `
select g from unnest($1::bigint[]) as g where pg_try_advisory_lock(hashtext('annals.generation'), g::integer)`, gens)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// mortal lets PostgreSQL end a session whose node is frozen or cut off, and with it the locks that it holds: the node speaks every
// tick. Older versions of PostgreSQL lack some of the settings.
const mortal = `
select set_config(s.name, s.value, false) from (values ('idle_session_timeout', '3s'), ('tcp_user_timeout', '4s'),
	('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '2')) as s(name, value)
join pg_settings using (name)`

// writing marks a connection as one that writes generations, until it ends.
const writing = `select pg_advisory_lock_shared(hashtext('annals.writing'), g::integer) from unnest($1::bigint[]) as g`

// evict ends the connections through which a node that lost its locks still writes: one that stands in the middle of a transaction
// would hold up the node that has taken over.
const evict = `
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and classid = hashtext('annals.writing')::oid and objid = any ($1::bigint[]) and objsubid = 2
	and database = (select oid from pg_database where datname = current_database())`

// release gives locks back, and tells the others.
func release(ctx context.Context, conn *pgx.Conn, gens []int64) error {
	if len(gens) == 0 {
		return nil
	}
	_, err := conn.Exec(ctx, `
select pg_advisory_unlock(hashtext('annals.generation'), g::integer) from unnest($1::bigint[]) as g`, gens)
	if err == nil {
		_, err = conn.Exec(ctx, changed)
	}
	return err
}

// begin makes the empty tables of a new generation, without their indexes.
func begin(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection) (*generation, error) {
	g := &generation{Projection: p, filled: p.Version}
	err := tx.QueryRow(ctx, `insert into annals.generations (projection, version, log) values ($1, $2, $3) returning generation, moved`,
		p.Name, p.Version, log).Scan(&g.number, &g.moved)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "create schema "+pgx.Identifier{g.schema()}.Sanitize()); err != nil {
		return nil, err
	}
	return g, within(ctx, tx, g, p.Tables)
}

// within runs DDL in the schema of a generation.
func within(ctx context.Context, tx pgx.Tx, g *generation, ddl string) error {
	for _, sql := range []string{
		"set local search_path to " + pgx.Identifier{g.schema()}.Sanitize() + ", public",
		ddl,
		"set local search_path to default",
	} {
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return nil
}

// newest finds the last generation of a projection that was filled from this log: one that has caught up, or else one
// that is yet to.
func newest(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection, ready bool) (*generation, error) {
	g := &generation{Projection: p, filled: p.Version}
	err := tx.QueryRow(ctx, `
select generation, position, moved, indexed, stopped from annals.generations
where projection = $1 and version = $2 and log = $3 and ready = $4 and not retired
	and to_regnamespace(projection || '_g' || generation) is not null
order by generation desc limit 1`, p.Name, p.Version, log, ready).Scan(&g.number, &g.position, &g.moved, &g.indexed, &g.stopped)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return g, err
}

// resumed is the generation that is to be filled: the last one that was begun, or a new one.
func resumed(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection) (*generation, error) {
	g, err := newest(ctx, tx, log, p, false)
	if g != nil || err != nil {
		return g, err
	}
	return begin(ctx, tx, log, p)
}

// table is how a table looks to its readers.
type table struct {
	name    string
	columns []column
}

type column struct{ name, kind string }

// querier is a connection, a transaction on it, or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// tablesOf describes the tables in the schema of a generation.
func tablesOf(ctx context.Context, q querier, schema string) ([]table, error) {
	rows, err := q.Query(ctx, `
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace(quote_ident($1)) and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum`, schema)
	if err != nil {
		return nil, err
	}
	var all []table
	var t string
	var c column
	_, err = pgx.ForEachRow(rows, []any{&t, &c.name, &c.kind}, func() error {
		if len(all) == 0 || all[len(all)-1].name != t {
			all = append(all, table{name: t})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, c)
		return nil
	})
	return all, err
}

// offers tells whether what is read from the tables wanted can be read from the tables had as well.
func offers(had, wanted []table) bool {
	for _, w := range wanted {
		i := slices.IndexFunc(had, func(t table) bool { return t.name == w.name })
		if i < 0 {
			return false
		}
		for _, c := range w.columns {
			if !slices.Contains(had[i].columns, c) {
				return false
			}
		}
	}
	return true
}
