package documents

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// silent are elements whose text a browser does not show.
var silent = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Svg: true, atom.Iframe: true, atom.Object: true,
	atom.Select: true, atom.Textarea: true, atom.Nav: true,
}

// starts says how a line begins that an element starts.
var starts = map[atom.Atom]string{
	atom.H1: "# ", atom.H2: "## ", atom.H3: "### ", atom.H4: "#### ", atom.H5: "##### ", atom.H6: "###### ", atom.Li: "- ",
	atom.Title: "# ",
	atom.P:     "", atom.Div: "", atom.Section: "", atom.Article: "", atom.Header: "", atom.Footer: "", atom.Main: "", atom.Aside: "", atom.Ul: "",
	atom.Ol: "", atom.Table: "", atom.Tr: "", atom.Pre: "", atom.Blockquote: "", atom.Dl: "", atom.Dt: "", atom.Dd: "", atom.Figure: "",
	atom.Figcaption: "", atom.Br: "", atom.Hr: "",
}

// readHTML writes the text of a page, with headings and lists as Markdown has them.
func readHTML(in []byte, to io.Writer) error {
	decoded, err := charset.NewReader(bytes.NewReader(in), "text/html")
	if err != nil {
		return errors.New("its encoding is not known")
	}
	z := html.NewTokenizer(decoded)
	z.SetMaxBuf(8 << 20)
	out := &lines{to: to}
	var within atom.Atom // the silent element that is open, with how many of its kind in it
	depth := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return errors.New("a tag of it is too long")
			}
			return out.end()
		case html.TextToken:
			if depth == 0 {
				out.write(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch a := atom.Lookup(name); {
			case depth > 0 && a == within:
				depth++
			case depth > 0:
			case silent[a]:
				within, depth = a, 1
			default:
				out.element(a)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch a := atom.Lookup(name); {
			case depth > 0 && a == within:
				depth--
			case depth > 0:
			default:
				out.element(a)
			}
		}
		if out.err != nil {
			return out.err
		}
	}
}

// lines writes text in lines, with white space as a page shows it.
type lines struct {
	to     io.Writer
	line   strings.Builder
	prefix string
	err    error
}

func (l *lines) element(a atom.Atom) {
	if prefix, begins := starts[a]; begins {
		l.flush()
		l.prefix = prefix
	} else if a == atom.Td || a == atom.Th {
		l.line.WriteByte(' ')
	}
}

func (l *lines) write(text string) { l.line.WriteString(text) }

func (l *lines) flush() {
	words := strings.Join(strings.Fields(l.line.String()), " ")
	l.line.Reset()
	if words == "" || l.err != nil {
		return
	}
	_, l.err = io.WriteString(l.to, l.prefix+words+"\n")
	l.prefix = ""
}

func (l *lines) end() error {
	l.flush()
	return l.err
}
