package portation

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"annals/transport/limits"
)

// spool holds records on the disk until the file that they are from was read whole. It may be read again and again.
type spool struct {
	file *os.File
	to   *bufio.Writer
	held *limits.Share
}

func newSpool(held *limits.Share) (*spool, error) {
	f, err := os.CreateTemp("", "annals-import-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil { // it is gone with the process, whatever ends that
		return nil, errors.Join(err, f.Close())
	}
	return &spool{file: f, to: bufio.NewWriterSize(f, 64<<10), held: held}, nil
}

func (s *spool) close() { _ = s.file.Close() }

// add appends a record, which has no line feed in it.
func (s *spool) add(line int, kind string, raw []byte) error {
	head := fmt.Sprintf("%d %s ", line, kind)
	if !s.held.Try(int64(len(head) + len(raw) + 1)) {
		return errBusy
	}
	_, err := s.to.WriteString(head)
	if err == nil {
		_, err = s.to.Write(raw)
	}
	if err == nil {
		err = s.to.WriteByte('\n')
	}
	return err
}

// each goes through the records in their order. Each is yield's to keep.
func (s *spool) each(yield func(line int, kind string, raw []byte) error) error {
	if err := s.to.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(s.file, 64<<10)
	for {
		l, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		number, rest, _ := bytes.Cut(bytes.TrimSuffix(l, []byte("\n")), []byte(" "))
		kind, raw, _ := bytes.Cut(rest, []byte(" "))
		line, err := strconv.Atoi(string(number))
		if err != nil {
			return err
		}
		if err := yield(line, string(kind), raw); err != nil {
			return err
		}
	}
}
