package portation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"annals/transport/httpapi/frame"
	"annals/transport/limits"
)

// beginsWithALine tells an export that has a record a line from a document.
func beginsWithALine(body *bufio.Reader) bool {
	begin, _ := body.Peek(4096)
	line, _, whole := bytes.Cut(begin, []byte("\n"))
	var l importLine
	return whole && json.Unmarshal(line, &l) == nil && l.Type != "" && l.Data != nil
}

type importLine struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// lines reads a record a line. A line that is no record is reported as a failure, and the next is read.
func (i *importing) lines(ctx context.Context, body *bufio.Reader) error {
	share := i.api.reading.Join(i.c.Client())
	defer share.Leave()
	for {
		line, err := readLine(body, share)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		i.line++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			i.fail(i.line, fmt.Sprintf("longer than %d bytes", maxRecord.Value))
			continue
		case errors.Is(err, errBusy):
			return errBusy
		case err != nil && !errors.Is(err, io.EOF):
			return errCut{"the file could not be read on"}
		}
		if i.line == 1 && bytes.HasPrefix(line, []byte("PK\x03\x04")) {
			return errFile{"this is a ZIP archive, not JSON"}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var l importLine
		if cleaned, cleanErr := frame.Clean(line); cleanErr != nil || json.Unmarshal(cleaned, &l) != nil || l.Type == "" || l.Data == nil {
			if errors.Is(err, io.EOF) { // the last line has no end
				return errCut{"the file ends within a record"}
			}
			i.fail(i.line, "no record: {\"type\", \"data\"} was expected")
			continue
		}
		if err := i.record(ctx, l.Type, l.Data); err != nil {
			return err
		}
	}
	switch {
	case i.line == 0:
		return errFile{"the file is empty"}
	case !i.headed && i.manifest == nil && len(i.counts) == 0:
		return errFile{"there is no record in the file"}
	case i.headed && i.manifest == nil:
		return errCut{"the end of the export is missing"}
	}
	return nil
}

// readLine gives the next line; of one that is too long it skips the rest. What is beyond freeOfValue counts for the client until the
// next line is read.
func readLine(body *bufio.Reader, share *limits.Share) ([]byte, error) {
	var line []byte
	share.Give(share.Held())
	for {
		part, err := body.ReadSlice('\n')
		if len(line) <= maxRecord.Int() {
			if len(line) > freeOfValue && !share.Try(int64(len(part))) {
				return nil, errBusy
			}
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(line) > maxRecord.Int() {
			return nil, bufio.ErrBufferFull
		}
		return line, err
	}
}
