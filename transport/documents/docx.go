package documents

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxXML bounds the XML of a document once it is unpacked, in bytes.
const maxXML = 64 << 20

var errNoDOCX = errors.New("it is no document of a word processor")

// readDOCX writes the text of a document of Office Open XML, a paragraph a line.
func readDOCX(in []byte, to io.Writer) error {
	files, err := zip.NewReader(bytes.NewReader(in), int64(len(in)))
	if err != nil {
		return errNoDOCX
	}
	main, err := files.Open("word/document.xml")
	if err != nil {
		return errNoDOCX
	}
	defer func() { _ = main.Close() }()
	unpacked := &io.LimitedReader{R: main, N: maxXML + 1}
	d := xml.NewDecoder(unpacked)
	d.Strict = false
	out := &lines{to: to}
	said := false
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return out.end()
		case unpacked.N <= 0:
			return errors.New("it is too long when it is unpacked")
		case err != nil:
			return errNoDOCX
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				said = true
			case "tab", "tc":
				out.write(" ")
			case "br", "cr":
				out.flush()
			case "pStyle":
				out.prefix = heading(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				said = false
			case "p":
				out.flush()
				out.prefix = ""
			}
		case xml.CharData:
			if said {
				out.write(string(t))
			}
		}
		if out.err != nil {
			return out.err
		}
	}
}

// heading is how Markdown begins a paragraph of a style.
func heading(style xml.StartElement) string {
	for _, a := range style.Attr {
		level, is := strings.CutPrefix(strings.ToLower(a.Value), "heading")
		if a.Name.Local == "val" && is && len(level) == 1 && level >= "1" && level <= "6" {
			return strings.Repeat("#", int(level[0]-'0')) + " "
		}
	}
	return ""
}
