package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"annals/events"
)

// GCPercent and MemoryLimit are for package debug, in a process that does nothing but rebuild. Of messages of ordinary length
// little is in memory at any time, and most of what was read is garbage soon: looking for it less often takes a sixth off what
// each costs. The limit is for long ones, a batch of which is megabytes.
const (
	GCPercent   = 800
	MemoryLimit = 512 << 20
)

// Rebuild fills a new generation of each named projection from the first fact on, beside what is served, and shows it once
// it has caught up. It goes on with one that an interrupted rebuild left. Servers that read the same version, running or
// not, go over to it; they need not be told. It may be cancelled or killed at any time.
func Rebuild(ctx context.Context, o Options, names []string, report func(Progress)) error {
	chosen, err := choose(o.Projections, names)
	if err != nil {
		return err
	}
	f := NewFeed(o)
	config, err := f.config()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	if err := prepare(ctx, conn, o.Log, o.Projections); err != nil {
		return err
	}
	var gens []*generation
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, prepareLock); err != nil {
			return err
		}
		for _, p := range chosen {
			g, err := resumed(ctx, tx, o.Log, p)
			if err != nil {
				return fmt.Errorf("projection %s: %w", p.Name, err)
			}
			gens = append(gens, g)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := f.fillAlone(ctx, config, gens, report); err != nil {
		return err
	}
	return sweep(ctx, conn)
}

// fillAlone fills without a running feed.
func (f *Feed) fillAlone(ctx context.Context, config *pgx.ConnConfig, gens []*generation, report func(Progress)) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	streaming, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	working.Go(func() { f.follow(streaming) })
	working.Go(func() { f.watchStore(streaming) })
	return f.fillGroups(ctx, config, gens, report)
}

// fillThrough fills through outages of the event store, during which it leaves the generations to other processes.
func (f *Feed) fillThrough(ctx context.Context, config *pgx.ConnConfig, gens []*generation, report func(Progress)) error {
	for {
		err := f.fill(ctx, config, gens, report)
		if !errors.Is(err, errCutOff) {
			return err
		}
		if err := f.untilReached(ctx); err != nil {
			return err
		}
	}
}

// fillGroups fills each group by itself, all from one reading of the log. One that fails leaves the others alone.
func (f *Feed) fillGroups(ctx context.Context, config *pgx.ConnConfig, gens []*generation, report func(Progress)) error {
	var (
		t       = together{report: report}
		filling sync.WaitGroup
		errs    = make([]error, len(f.groups))
	)
	for i, g := range f.groups {
		var own []*generation
		for _, gen := range gens {
			if gen.Group == g.name {
				own = append(own, gen)
			}
		}
		if len(own) > 0 {
			tell := t.part(own)
			filling.Go(func() { errs[i] = f.fillThrough(ctx, config, own, tell) })
		}
	}
	filling.Wait()
	return errors.Join(errs...)
}

// choose finds projections by name; all of them when no name is given.
func choose(all []Projection, names []string) ([]Projection, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []Projection
	for _, name := range names {
		i := slices.IndexFunc(all, func(p Projection) bool { return p.Name == name })
		if i < 0 {
			var known []string
			for _, p := range all {
				known = append(known, p.Name)
			}
			return nil, fmt.Errorf("there is no projection %q; there are %s", name, strings.Join(known, ", "))
		}
		if !slices.ContainsFunc(chosen, func(p Projection) bool { return p.Name == name }) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

// Intention is what Rebuild would do with a projection.
type Intention struct {
	Projection string
	Version    int
	// Shown is the generation that this build reads, 0 when there is none, and Position how far it is.
	Shown    int64
	Position events.Position
	// Resumed is the generation that would be filled further, 0 when one would be begun, and Filled how far it is.
	Resumed int64
	Filled  events.Position
}

// Intentions says what Rebuild would do. It changes nothing.
func Intentions(ctx context.Context, o Options, names []string) ([]Intention, error) {
	chosen, err := choose(o.Projections, names)
	if err != nil {
		return nil, err
	}
	conn, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer disconnect(ctx, conn)
	var all []Intention
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, `select to_regclass('annals.generations') is not null`).Scan(&there); err != nil {
			return err
		}
		for _, p := range chosen {
			i := Intention{Projection: p.Name, Version: p.Version}
			if there {
				if err := i.read(ctx, tx, o, p); err != nil {
					return err
				}
			}
			all = append(all, i)
		}
		return nil
	})
	return all, err
}

func (i *Intention) read(ctx context.Context, tx pgx.Tx, o Options, p Projection) error {
	shown, err := newest(ctx, tx, o.Log, p, true)
	if err != nil {
		return err
	}
	if shown != nil {
		i.Shown, i.Position = shown.number, shown.position
	}
	begun, err := newest(ctx, tx, o.Log, p, false)
	if begun != nil {
		i.Resumed, i.Filled = begun.number, begun.position
	}
	return err
}

// connect is for who tends to read models without feeding them.
func (o Options) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := NewFeed(o).config()
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}
