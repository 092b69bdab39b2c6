package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// setAside puts the file of heads aside where an operator has decided, after its last head, to go on with the log as it is. The new
// file goes on from the last head that the log still has, and the log is covered again. It returns where the old file is now, empty
// where nothing was decided.
func (w *HeadWriter) setAside(ctx context.Context) (aside string, err error) {
	if w.Decided == nil {
		return "", nil
	}
	decided, err := w.Decided(ctx)
	if err != nil {
		return "", err
	}
	heads, err := ReadHeads(w.Path, w.ID)
	if err != nil || len(heads) == 0 || !decided.After(heads[len(heads)-1].At) {
		return "", err
	}
	kept := sort.Search(len(heads), func(i int) bool {
		at := HeadWriter{Log: w.Log, Last: heads[i].Position, leaf: lastLeaf(heads[i])}
		recognizeErr := at.recognize(ctx)
		if recognizeErr != nil && !errors.Is(recognizeErr, errOther) {
			err = recognizeErr
		}
		return recognizeErr != nil
	})
	if err != nil {
		return "", err
	}
	aside = fmt.Sprintf("%s.until-%s", w.Path, decided.UTC().Format("20060102T150405Z"))
	if err := os.Rename(w.Path, aside); err != nil {
		return "", err
	}
	if err := writeHeads(w.Path, heads[:kept]); err != nil {
		return aside, err
	}
	return aside, w.Resume()
}

// writeHeads makes a file of heads.
func writeHeads(path string, heads []Head) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	lines := json.NewEncoder(f)
	for _, h := range heads {
		if err == nil {
			err = lines.Encode(h)
		}
	}
	return errors.Join(err, f.Sync(), f.Close(), os.Rename(f.Name(), path))
}
