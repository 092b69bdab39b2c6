package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Export writes every event of the log as one Line, in order, and tells how many. While a node goes on, that is the log
// as it was when the export began.
func (l Log) Export(ctx context.Context, to io.Writer) (n int, err error) {
	s, _, end, err := l.open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	lines := NewLineWriter(to)
	for r, err := range s.records(ctx) {
		if err != nil {
			return n, err
		}
		if err := lines.Write(r.line()); err != nil {
			return n, err
		}
		n++
	}
	return n, lines.Flush()
}

// LineWriter writes lines.
type LineWriter struct {
	*bufio.Writer
	encoder *json.Encoder
}

// NewLineWriter buffers: the caller flushes at the end.
func NewLineWriter(to io.Writer) LineWriter {
	b := bufio.NewWriterSize(to, 1<<16)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return LineWriter{b, e}
}

// Write adds a line.
func (w LineWriter) Write(l Line) error {
	if err := w.encoder.Encode(l); err != nil {
		return fmt.Errorf("export of position %d: %w", l.Position, err)
	}
	return nil
}

// Import makes a log in dir, which must not exist yet or be empty, from an export. Ids, dates, revisions and positions stay
// as they are. It is all there or not at all.
func Import(ctx context.Context, dir string, from io.Reader, log *slog.Logger) (n int, err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("import: %s is not empty: a log can only be imported whole, into a new folder", dir)
	}
	beside := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(beside, 0o711); err != nil { //nolint:gosec // a data folder, which others may pass through
		return 0, fmt.Errorf("import: %w", err)
	}
	parent, err := os.MkdirTemp(beside, "import-")
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	half := filepath.Join(parent, "log")
	s, err := openStore(half, vfs.Default, log)
	if err != nil {
		return 0, err
	}
	n, err = s.importLines(ctx, from, log)
	if err = errors.Join(err, s.close()); err != nil {
		return n, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return n, err
	}
	return n, os.Rename(half, dir)
}

// NewLineReader reads the lines of an export; a byte order mark, as editors put in front, is skipped.
func NewLineReader(from io.Reader) *json.Decoder {
	in := bufio.NewReaderSize(from, 1<<16)
	if mark, err := in.Peek(len("\ufeff")); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(len(mark)) // it is in the buffer
	}
	return json.NewDecoder(in)
}

func (s *store) importLines(ctx context.Context, from io.Reader, log *slog.Logger) (n int, err error) {
	w, err := newWriter(s, newTail(0), nil, log) // it never runs: lines are put into its groups here
	if err != nil {
		return 0, err
	}
	lines := NewLineReader(from)
	for ; ctx.Err() == nil; n++ {
		var l Line
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return n, fmt.Errorf("import: event %d: %w", n+1, err)
		}
		r, err := l.record()
		if err == nil {
			err = w.take(r)
		}
		if err != nil {
			return n, fmt.Errorf("import: event %d, position %d: %w", n+1, l.Position, err)
		}
		if w.bytes >= groupBytes {
			w.flush()
		}
	}
	if n == 0 && ctx.Err() == nil {
		return 0, errors.New("import: the export is empty: a log has at least one event")
	}
	if err := w.setKeys([]keyValue{{importedKey, logKey(w.head)[1:]}}); err != nil {
		return n, err
	}
	w.flush()
	return n, errors.Join(w.failed, ctx.Err())
}

// importedKey holds the last position that was imported: before it, positions and revisions may have gaps.
var importedKey = []byte{'m', 'i'}

// take puts a record of another log into the group as it is.
func (w *writer) take(r *record) error {
	if r.Position <= w.head {
		return fmt.Errorf("the position does not ascend from %d", w.head)
	}
	st, err := w.state(r.Stream)
	if err != nil {
		return err
	}
	if st.Tombstoned || r.Revision <= st.Last {
		return fmt.Errorf("revision %d of stream %q does not ascend from %d", r.Revision, r.Stream, st.Last)
	}
	w.head = r.Position
	if err := w.put(&st, r); err != nil {
		return err
	}
	return w.keep(r.Stream, st, r)
}
