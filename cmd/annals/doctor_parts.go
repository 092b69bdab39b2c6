package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
