package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/events/chain"
	"annals/projections/engine"
)

// Verify is the command that holds the log against itself and against the heads of its chain, and the read models against
// the log. It changes nothing but, where all is well and no server runs, it adds a head.
type Verify struct {
	From        string `placeholder:"PATH" help:"A backup of the log, or an export of it, to verify instead of the store; read models are left out."`
	KeptHeads   `embed:""`
	NoRows      bool `help:"Leave the read models out."`
	node.Places `embed:""`
}

// shownFindings bounds what is said.
const shownFindings = 50

// findings are what is wrong.
type findings struct{ n int }

func (f *findings) tell(what string) {
	if f.n++; f.n <= shownFindings {
		fmt.Println("-", what)
	}
}

// open opens what is verified; a backup needs the keys alone.
func (v *Verify) open(ctx context.Context) (*node.Backends, error) {
	if v.From != "" {
		return node.OpenKeys(ctx, v.Options())
	}
	o := v.Options()
	o.AnyLog = true
	return node.OpenExisting(ctx, o)
}

// Run implements the command. It fails when something is wrong.
func (v *Verify) Run(ctx context.Context) error {
	b, err := v.open(ctx)
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	source, err := RebuildPast{From: v.From}.source(ctx, b, v.Places)
	if err != nil {
		return err
	}
	raws := func(ctx context.Context) iter.Seq2[events.Raw, error] { return b.Store.Facts(ctx, 0) }
	if v.From != "" {
		raws = func(ctx context.Context) iter.Seq2[events.Raw, error] { return rawFrom(ctx, v.From, v.Places) }
	}
	found := &findings{}
	if err := v.log(ctx, b, source.id, raws(ctx), found); err != nil {
		return err
	}
	if err := v.keys(ctx, b.Codec, found); err != nil {
		return err
	}
	if v.From == "" && !v.NoRows {
		if err := v.rows(ctx, b, source.id, found); err != nil {
			return err
		}
	}
	if found.n > shownFindings {
		fmt.Printf("- and %d more\n", found.n-shownFindings)
	}
	if found.n > 0 {
		return errors.New(counted(found.n, "finding"))
	}
	fmt.Println("everything is well")
	return nil
}

// log holds the log against itself and its chain.
func (v *Verify) log(ctx context.Context, b *node.Backends, id uuid.UUID, raws iter.Seq2[events.Raw, error], found *findings) error {
	dir, err := filepath.Abs(v.DataDir)
	if err != nil {
		return err
	}
	path, heads := node.ChainIn(dir), chain.Heads{Keys: v.Key, Older: v.From != ""}
	if heads.Lines, err = chain.ReadHeads(path, id); err != nil {
		return err
	}
	if v.Heads != "" {
		var copied bool
		if copied, err = v.read(ctx, id, &heads); copied {
			path = v.Heads
		}
		if err == nil && len(heads.Signed) == 0 && !copied {
			found.tell(v.Heads + " holds no head of this log")
		}
	} else {
		heads.Signed, err = chain.Signed(heads.Lines)
	}
	if err != nil {
		return err
	}
	c, err := chain.Check(ctx, raws, heads, b.Codec, found.tell)
	if err != nil {
		return err
	}
	fmt.Printf("log %s: %d events in %d streams, up to position %d\n", id, c.Events, c.Streams, c.Last)
	if c.Beyond > 0 {
		fmt.Printf("%s goes on to position %d: what was recorded after position %d is not in %s\n", path, c.Beyond, c.Last, v.From)
	}
	if c.Covered == 0 {
		fmt.Printf("%s holds no head of this log: whether it was tampered with cannot be told\n", path)
	} else {
		fmt.Printf("%s covers what was recorded up to position %d; nothing protects the %d events after it, nor anything from who can change both log and file: keep a copy of it elsewhere\n",
			path, c.Covered, c.Uncovered)
	}
	if c.Signed != nil {
		sayHeld(*c.Signed)
	}
	if found.n > 0 || c.Uncovered == 0 || v.From != "" || v.Heads != "" || !b.Alone() {
		return nil
	}
	w := chain.HeadWriter{Path: path, ID: id, Log: b.Store, Now: time.Now}
	if err := errors.Join(w.Resume(), w.Extend(ctx)); err != nil {
		return err
	}
	fmt.Printf("%s now reaches up to position %d\n", path, w.Last)
	return nil
}

// keys names the keys that the log is sealed under and that are lost. A backup does not have the erasures that came after it:
// its missing keys are noted, and are no findings.
func (v *Verify) keys(ctx context.Context, codec *events.Codec, found *findings) error {
	all, more, err := codec.Lost(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	if v.From != "" {
		fmt.Printf("the keys of %s, such as %s, are not there: what they sealed was erased after this backup was made, or the keys are lost\n",
			counted(len(all), "subject"), all[0].Subject)
		return nil
	}
	for _, l := range all {
		found.tell(fmt.Sprintf("the key of %s is lost: what it sealed, at position %d for instance, reads %s", l.Subject, l.Position, events.Lost))
	}
	if more {
		found.tell("more keys are lost")
	}
	fmt.Println("→", node.LostKeysRemedy)
	return nil
}

// rows holds the read models against the log.
func (v *Verify) rows(ctx context.Context, b *node.Backends, id uuid.UUID, found *findings) error {
	progress := newProgress(os.Stderr, "events")
	compared, err := engine.Verify(ctx, b.Projections(id), found.tell, progress.show)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	fmt.Printf("read models: %d rows in %d tables, %d not as the log says\n", compared.Rows, compared.Tables, compared.Differences)
	return err
}
