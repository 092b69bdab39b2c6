// Package licenses has the notices of what the binary contains that others wrote.
package licenses

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
)

// modules are the notices of the Go modules; collect.go makes them.
//
//go:embed modules.txt.gz
var modules []byte

// data are those of embedded files.
//
//go:embed data/*.txt
var data embed.FS

// Write writes all notices, those of embedded files first.
func Write(w io.Writer) error {
	names, err := fs.Glob(data, "data/*.txt")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := data.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(modules))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, z) //nolint:gosec // it is a part of the binary
	return err
}
