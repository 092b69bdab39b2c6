package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"annals/cmd/internal/node"
	"annals/events"
)

// part is a part of a data folder, which a server makes at its first start.
type part struct {
	name, lost string
	elsewhere  bool // where the settings have it, it is in no folder
}

// parts names those that are missing although others are there: a backup was restored without them. Once a server has started,
// it makes them anew, and nobody sees any more that something is missing.
func (d *Doctor) parts(path string) []finding {
	all := []part{
		{"events", "the log is missing: nothing of what happened is there", d.EventStoreURL != ""},
		{"keys", "the keys are missing: personal text in the log will read [lost]", d.EventStoreURL != "" && d.PostgresURL != ""},
		{"chain", "the chain is missing: whether the log was changed cannot be told", false},
		{"blobs", "the files that were uploaded are missing", d.BlobsURL != ""},
	}
	var missing []finding
	there := false
	for _, p := range all {
		_, err := os.Stat(filepath.Join(path, p.name))
		switch {
		case err == nil:
			there = true
		case errors.Is(err, fs.ErrNotExist) && !p.elsewhere:
			missing = append(missing, finding{p.lost, "restore " + filepath.Join(path, p.name) + " from the backup before a server starts"})
		}
	}
	if !there { // nothing was made yet
		return nil
	}
	return missing
}

// keysTimeout bounds the doctor's look at the log for keys that are lost.
const keysTimeout = 10 * time.Second

// keys looks whether the keys are there that the log is sealed under, where no server runs that could tell. It only reads.
func (d *Doctor) keys(ctx context.Context, path string) []finding {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	all, more, err := d.lostKeys(ctx, path)
	switch {
	case len(all) > 0:
		return []finding{{node.LostKeys(all, more), node.LostKeysRemedy}}
	case ctx.Err() != nil:
		fmt.Println("only a part of the log was looked at for lost keys: annals verify looks at all of it")
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errEmptyLog): // what is missing, others say
		return []finding{{"whether keys are lost is not known: " + err.Error(), "run annals verify"}}
	}
	return nil
}

// lostKeys decodes the log and returns the keys that were found lost, also when it fails halfway.
func (d *Doctor) lostKeys(ctx context.Context, path string) (all []events.LostKey, more bool, err error) {
	open := d.backup
	if d.EventStoreURL != "" {
		open = d.remote
	}
	codec, read, end, err := open(ctx, path)
	if err != nil {
		return nil, false, err
	}
	defer end()
	for _, err = range read(ctx, 0) {
		if err != nil {
			break
		}
	}
	all, more, lostErr := codec.Lost(context.WithoutCancel(ctx))
	return all, more, errors.Join(err, lostErr)
}

type readLog = func(context.Context, events.Position) iter.Seq2[events.Recorded, error]

// backup opens the log of the data folder as a backup is read.
func (d *Doctor) backup(ctx context.Context, path string) (*events.Codec, readLog, func(), error) {
	b, err := node.OpenKeys(ctx, d.Options())
	if err != nil {
		return nil, nil, nil, err
	}
	source, err := fileSource(ctx, filepath.Join(path, "events"), b.Codec, d.Places)
	return b.Codec, source.read, func() { b.Stop(ctx) }, err
}

// remote opens the event store of EVENTSTORE_URL.
func (d *Doctor) remote(ctx context.Context, _ string) (*events.Codec, readLog, func(), error) {
	b, err := node.OpenLog(ctx, d.Options())
	if err != nil {
		return nil, nil, nil, err
	}
	return b.Codec, func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
		return b.Store.ReadAll(ctx, after, events.Forwards, events.Filter{})
	}, func() { b.Stop(ctx) }, nil
}
