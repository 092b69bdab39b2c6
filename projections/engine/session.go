package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Rhythms of a session.
const (
	// tick is how often a node looks whether it may project what another one did, which has perhaps died.
	tick = time.Second
	// turnLimit is how long PostgreSQL may take to answer such a look before the way to it is given up.
	turnLimit  = 5 * time.Second
	restFor    = 5 * time.Second
	sweepEvery = time.Hour
)

// session is the feed as long as PostgreSQL answers: it decides what this node projects and what it follows. Its end
// forgets the positions: with synchronous_commit off they may have fallen when the next one reads them.
type session struct {
	*Feed
	config *pgx.ConnConfig
	ready  func()
	conn   *pgx.Conn        // listens, and holds the locks
	held   map[int64]string // the generations that this node alone projects, with their group
	lanes  map[string]*lane
	fills  map[string]*task
	broken map[int64]bool // what could not be filled; a newer build may know how
	// resting are the groups whose filling another process has in hand: until then, this one does not try again.
	resting map[string]time.Time
	ended   chan *task
}

func newSession(f *Feed, config *pgx.ConnConfig, ready func()) *session {
	return &session{
		Feed: f, config: config, ready: ready, held: map[int64]string{}, lanes: map[string]*lane{}, fills: map[string]*task{},
		broken: map[int64]bool{}, resting: map[string]time.Time{}, ended: make(chan *task),
	}
}

func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.stopAll()
	defer cancel()
	if err := s.open(ctx); err != nil {
		return err
	}
	defer disconnect(ctx, s.conn)
	swept := time.Now().Add(-sweepEvery).Add(time.Minute) // not while everything starts
	for first := true; ; first = false {
		if err := s.turn(ctx, first); err != nil {
			return err
		}
		if time.Since(swept) > sweepEvery {
			swept = time.Now()
			s.tidy(ctx)
		}
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
}

// open prepares the read models and listens to the other nodes.
func (s *session) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return err
	}
	s.conn = conn
	if err := s.prepareAll(ctx); err != nil {
		disconnect(ctx, conn)
		return err
	}
	s.Logger.Debug("the feed has PostgreSQL", "views", Views(s.Projections))
	return nil
}

func (s *session) prepareAll(ctx context.Context) error {
	if err := s.noteDecisions(ctx); err != nil {
		return err
	}
	if err := s.recognize(ctx); err != nil {
		return err
	}
	if err := prepare(ctx, s.conn, s.Log, s.Projections); err != nil {
		return err
	}
	for _, sql := range []string{mortal, "listen annals"} {
		if _, err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// turn looks at what there is, and sees that somebody projects it.
func (s *session) turn(ctx context.Context, first bool) error {
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	if err := s.noteDecisions(ctx); err != nil {
		return err
	}
	reached := s.reached()
	p, err := readPlan(ctx, s.conn, s.Log, s.Projections)
	if err != nil {
		return err
	}
	if !first && p.before(reached) {
		return errRestored
	}
	s.ready()
	claimed := false
	for _, g := range s.groups {
		got, err := s.claim(ctx, g, p)
		if err != nil {
			return err
		}
		claimed = claimed || got
	}
	if claimed { // what another node committed before it let go is known only now
		if p, err = readPlan(ctx, s.conn, s.Log, s.Projections); err != nil {
			return err
		}
	}
	for _, g := range s.groups {
		g.adopt(p, first)
		s.project(ctx, g, p)
		s.fill(ctx, g, p)
	}
	return nil
}

// errRestored begins a session anew, which takes the positions as they are.
var errRestored = errors.New("the read models are behind what was committed: they were restored from a dump")

// reached is how far each generation that is shown was committed, as far as is known.
func (s *session) reached() map[int64]events.Position {
	all := map[int64]events.Position{}
	for _, g := range s.groups {
		for _, status := range g.report() {
			all[status.Generation] = status.Position
		}
	}
	return all
}

// before reports whether a generation that is shown is behind what was known of it.
func (p plan) before(reached map[int64]events.Position) bool {
	for _, g := range p.shown {
		if g.position < reached[g.number] {
			return true
		}
	}
	return false
}

// claim takes the locks on what this node may project of a group, as far as nobody else has them, and gives back those on
// what is not shown any more. The lane begins anew when there is a change.
func (s *session) claim(ctx context.Context, g *group, p plan) (bool, error) {
	var missing, needless []int64
	wanted := s.wanted(g, p)
	for _, n := range wanted {
		if s.held[n] == "" {
			missing = append(missing, n)
		}
	}
	for n, group := range s.held {
		if group == g.name && !slices.Contains(wanted, n) {
			needless = append(needless, n)
		}
	}
	got, err := exclusive(ctx, s.conn, missing)
	if err != nil || len(got)+len(needless) == 0 {
		return false, err
	}
	s.stop(s.lanes, s.lanes[g.name])
	for _, n := range got {
		s.held[n] = g.name
	}
	if _, err := s.conn.Exec(ctx, evict, got); err != nil {
		return false, err
	}
	for _, n := range needless {
		delete(s.held, n)
	}
	if err := release(ctx, s.conn, needless); err != nil {
		return false, err
	}
	_, err = s.conn.Exec(ctx, `update annals.generations set stopped = '' where generation = any($1) and stopped <> ''`, got)
	return true, err
}

// wanted is what this node may project of a group: what is shown to this build, filled by its version. A node that is cut off from
// the event store leaves projecting to others.
func (s *session) wanted(g *group, p plan) (all []int64) {
	if lost, _ := s.reach.state(); lost {
		return nil
	}
	for _, pr := range g.projections {
		if shown := p.shown[pr.Name]; shown != nil && shown.filled == pr.Version && !g.refuses() {
			all = append(all, shown.number)
		}
	}
	return all
}

// project keeps what is held of a group up with the log, unless that is under way.
func (s *session) project(ctx context.Context, g *group, p plan) {
	l := &lane{group: g}
	for _, pr := range g.projections {
		if shown := p.shown[pr.Name]; shown != nil && s.held[shown.number] != "" {
			l.generations = append(l.generations, shown)
		}
	}
	if len(l.generations) == 0 || s.lanes[g.name] != nil {
		return
	}
	s.lanes[g.name] = l
	s.start(ctx, l, func(ctx context.Context) error { return s.runLane(ctx, l) })
}

// fill begins to fill what is to be shown of a group later, unless that is under way, here or elsewhere.
func (s *session) fill(ctx context.Context, g *group, p plan) {
	lost, _ := s.reach.state()
	if lost || s.fills[g.name] != nil || time.Now().Before(s.resting[g.name]) {
		return
	}
	t := &task{group: g, filling: true}
	for _, name := range slices.Sorted(maps.Keys(p.filling)) {
		if gen := p.filling[name]; gen.Group == g.name && !s.broken[gen.number] {
			t.generations = append(t.generations, gen)
		}
	}
	if len(t.generations) == 0 {
		return
	}
	s.fills[g.name] = t
	s.start(ctx, t, func(ctx context.Context) error { return s.Feed.fill(ctx, s.config, t.generations, nil) })
}

// wait returns when there is reason to look again. It fails as soon as PostgreSQL ends the connection: a server that went
// down may have lost rows that were committed, which has to be noticed although there is nothing to commit.
func (s *session) wait(ctx context.Context) error {
	until, cancel := context.WithTimeout(ctx, tick)
	defer cancel()
	listening := make(chan error, 1)
	go func() { listening <- s.listen(until) }()
	_, changed := s.reach.state()
	select {
	case ended := <-s.ended:
		cancel()
		return errors.Join(<-listening, s.note(ctx, ended))
	case <-changed:
		cancel()
		return <-listening
	case err := <-listening:
		return err
	}
}

// listen takes note of what other nodes have committed, until something else has changed or the context ends.
func (s *session) listen(ctx context.Context) error {
	for {
		n, err := s.conn.WaitForNotification(ctx)
		if err != nil {
			if ctx.Err() != nil && !s.conn.IsClosed() {
				return nil
			}
			return err
		}
		position, generations, ok := parseMoved(n.Payload)
		if !ok {
			return nil
		}
		// Of what it projects itself this node knows from the answer to its commit.
		generations = slices.DeleteFunc(generations, func(n int64) bool { return s.held[n] != "" })
		for _, g := range s.groups {
			g.moved(generations, position)
		}
	}
}

// parseMoved reads "moved <position> <generation> …".
func parseMoved(payload string) (events.Position, []int64, bool) {
	fields := strings.Fields(payload)
	if len(fields) < 2 || fields[0] != "moved" {
		return 0, nil, false
	}
	var generations []int64
	position, err := strconv.ParseUint(fields[1], 10, 64)
	for _, f := range fields[2:] {
		g, parseErr := strconv.ParseInt(f, 10, 64)
		err = errors.Join(err, parseErr)
		generations = append(generations, g)
	}
	return events.Position(position), generations, err == nil
}

// tidy says that this build is in use, and drops what no build uses any more. What fails is tried again later.
func (s *session) tidy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	_, err := s.conn.Exec(ctx, present, Views(s.Projections))
	if err = errors.Join(err, sweep(ctx, s.conn)); err != nil {
		s.Logger.Warn("old read models are still there", "error", err)
	}
}
