package chain

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Append adds a signed head to a file of them. It is on disk when Append returns.
func Append(path string, h SignedHead) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	f, err := openHeads(path)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadKept reads heads that were kept elsewhere: signed heads one after the other, bare or as the API answers with them, or a copy of
// the file beside the log. Of such a file it returns its lines as well.
func ReadKept(r io.Reader) (signed []SignedHead, lines []Head, err error) {
	in := json.NewDecoder(r)
	for n := 1; ; n++ {
		var raw json.RawMessage
		switch err := in.Decode(&raw); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n > 1: // a crash has cut off the last line
			return signed, lines, nil
		case err != nil:
			return nil, nil, fmt.Errorf("head %d: %w", n, err)
		}
		h, line, err := readOne(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("head %d: %w", n, err)
		}
		if h != nil {
			signed = append(signed, *h)
		}
		if line != nil {
			lines = append(lines, *line)
		}
	}
}

func readOne(raw json.RawMessage) (*SignedHead, *Head, error) {
	var form struct {
		Format string `json:"format"`
		Data   *SignedHead
	}
	if err := json.Unmarshal(raw, &form); err != nil {
		return nil, nil, err
	}
	if form.Format != "" || form.Data != nil {
		var h SignedHead
		err := json.Unmarshal(raw, &h)
		return cmp.Or(form.Data, &h), nil, err
	}
	var line Head
	if err := json.Unmarshal(raw, &line); err != nil {
		return nil, nil, err
	}
	h, ok, err := line.SignedHead()
	if err != nil || !ok {
		return nil, &line, err
	}
	return &h, &line, nil
}
