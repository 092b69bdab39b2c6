package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/events/chain"
	"annals/transport/secrets"
)

// logTimeout bounds the doctor's look at the log.
const logTimeout = 10 * time.Second

// logged is what the log says about the parts beside it.
type logged struct {
	id     uuid.UUID
	last   events.Position
	closed bool     // a secret of an agent cannot be decrypted without a salt
	env    []string // the keys of the last change to the local environment
	root   string   // the id of the root that was found last
}

// log looks whether the parts are there that belong to the log, where no server runs that could tell. It only reads.
func (d *Doctor) log(ctx context.Context, path string) []finding {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	open := d.backup
	if d.EventStoreURL != "" {
		open = d.remote
	}
	b, read, err := open(ctx, path)
	defer func() {
		if b != nil {
			b.Stop(ctx)
		}
	}()
	var found []finding
	if err == nil {
		var l logged
		l, err = d.readLog(ctx, read)
		found = append(found, d.lost(ctx, b)...)
		found = append(found, d.missing(ctx, b, path, l, err == nil)...)
	}
	switch {
	case len(found) > 0:
	case ctx.Err() != nil:
		fmt.Println("only a part of the log was looked at for lost keys: annals verify looks at all of it")
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errEmptyLog): // what is missing, others say
		return []finding{{"whether keys are lost is not known: " + err.Error(), "run annals verify"}}
	}
	return found
}

// readLog decodes the log, so that the codec knows the keys that are lost, also when it fails halfway.
func (d *Doctor) readLog(ctx context.Context, read readLog) (l logged, err error) {
	vault := secrets.New(d.SecretSalt)
	for e, err := range read(ctx, 0) {
		if err != nil {
			return l, err
		}
		l.last = e.Position
		switch f := e.Event.(type) {
		case events.LogOpened:
			l.id = f.LogID
		case events.EnvironmentChanged:
			l.env = f.Keys
		case events.TeeRootFound:
			l.root = f.RootID
		}
		for _, s := range events.SecretsIn(e.Event) {
			l.closed = l.closed || !vault.Opens(s)
		}
	}
	return l, nil
}

// lost names the keys that were found lost.
func (d *Doctor) lost(ctx context.Context, b *node.Backends) []finding {
	all, more, err := b.Codec.Lost(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		return []finding{{"whether keys are lost is not known: " + err.Error(), "run annals verify"}}
	case len(all) > 0:
		return []finding{{node.LostKeys(all, more), node.LostKeysRemedy}}
	}
	return nil
}

// missing names what the log needs and is not there, and the chain of a newer copy of it where whole is set: all of it was read.
func (d *Doctor) missing(ctx context.Context, b *node.Backends, path string, l logged, whole bool) (found []finding) {
	if l.closed {
		where := filepath.Join(node.KeysIn(path), "salt")
		if d.EventStoreURL != "" && d.PostgresURL != "" {
			where = "the schema vault of POSTGRES_URL"
		}
		if has, err := b.HasSalt(ctx, d.SecretSalt); err == nil && !has {
			found = append(found, finding{
				"the salt is missing: secrets of agents cannot be decrypted",
				"restore " + where + " from the backup before a server starts, or set SECRET_SALT as it was",
			})
		}
	}
	env := filepath.Join(path, ".env")
	if _, err := os.Stat(env); len(l.env) > 0 && d.EventStoreURL == "" && errors.Is(err, fs.ErrNotExist) {
		found = append(found, finding{
			"the local environment is missing: settings that were made over the API, such as " + strings.Join(l.env, ", ") + ", are gone",
			"restore " + env + " from the backup before a server starts, or make it, empty, to do without",
		})
	}
	if _, err := os.Stat(node.RootIn(path)); l.root != "" && (d.EventStoreURL == "" || d.PostgresURL == "") && errors.Is(err, fs.ErrNotExist) {
		found = append(found, finding{
			"the root of the server's keys is missing: heads of the chain will be signed with another key, for which nothing vouches",
			"restore " + node.RootIn(path) + " from the backup before a server starts",
		})
	}
	if mark, err := chain.LastMark(node.ChainIn(path)); err == nil && whole && mark.Log == l.id && mark.Position > l.last {
		found = append(found, finding{
			fmt.Sprintf("the log ends at position %d, and %s goes on to position %d: the log is an older copy", l.last, node.ChainIn(path), mark.Position),
			"restore log and chain from one backup, or accept what was lost with annals rebuild --all",
		})
	}
	return found
}

type readLog = func(context.Context, events.Position) iter.Seq2[events.Recorded, error]

// backup opens the log of the data folder as a backup is read.
func (d *Doctor) backup(ctx context.Context, path string) (*node.Backends, readLog, error) {
	b, err := node.OpenKeys(ctx, d.Options())
	if err != nil {
		return b, nil, err
	}
	source, err := fileSource(ctx, filepath.Join(path, "events"), b.Codec, d.Places)
	return b, source.read, err
}

// remote opens the event store of EVENTSTORE_URL.
func (d *Doctor) remote(ctx context.Context, _ string) (*node.Backends, readLog, error) {
	b, err := node.OpenLog(ctx, d.Options())
	if err != nil {
		return b, nil, err
	}
	return b, func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
		return b.Store.ReadAll(ctx, after, events.Forwards, events.Filter{})
	}, nil
}
