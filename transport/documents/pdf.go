package documents

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ledongthuc/pdf"
)

// Bounds of what is read of a PDF.
const (
	maxPages  = 2000
	maxGlyphs = 4 << 20
	maxForms  = 8 // forms within forms
)

var (
	errNoPDF = errors.New("it is damaged, or no PDF")
	errGlyph = errors.New("it has too much on its pages")
)

// readPDF writes the text of a PDF's pages. Glyphs are put into words and lines by where they stand. The module reads the objects of the
// file; it panics at what is malformed.
func readPDF(in []byte, to io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if err, _ = p.(error); !errors.Is(err, errGlyph) {
				err = errNoPDF
			}
		}
	}()
	file, err := pdf.NewReader(bytes.NewReader(in), int64(len(in)))
	switch {
	case errors.Is(err, pdf.ErrInvalidPassword):
		return errors.New("it is encrypted")
	case err != nil:
		return errNoPDF
	case file.NumPage() > maxPages:
		return fmt.Errorf("it has more than %d pages", maxPages)
	}
	fonts, glyphs := map[string]*font{}, 0
	for n := 1; n <= file.NumPage(); n++ {
		page := file.Page(n)
		if page.V.IsNull() {
			continue
		}
		t := &typesetter{fonts: fonts, glyphs: &glyphs, state: state{ctm: identity, scale: 1}}
		t.safely(page.V.Key("Contents"), page.Resources(), 0)
		text := t.text()
		if text == "" {
			continue
		}
		if _, err := io.WriteString(to, text+"\n\n"); err != nil {
			return err
		}
	}
	return nil
}

type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times is the matrix that applies m first.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3], m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func moved(x, y float64) matrix { return matrix{1, 0, 0, 1, x, y} }

// state is the graphics state, as far as text goes (ISO 32000, 9.3).
type state struct {
	ctm                              matrix
	font                             *font
	size, scale, spacing, word, rise float64
	leading                          float64
}

// typesetter follows the operators of a page's content.
type typesetter struct {
	state

	fonts         map[string]*font
	glyphs        *int
	kept          []state
	matrix, begin matrix
	out           strings.Builder
	// Where the last glyph ended, how high it stands, and how large it is.
	x, y, height float64
	any          bool
}

// safely shows what comes before something malformed.
func (t *typesetter) safely(content, resources pdf.Value, depth int) {
	defer func() {
		if p := recover(); p != nil {
			if err, is := p.(error); is && errors.Is(err, errGlyph) {
				panic(p)
			}
		}
	}()
	if content.IsNull() {
		return
	}
	pdf.Interpret(content, func(stack *pdf.Stack, op string) {
		args := make([]pdf.Value, stack.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stack.Pop()
		}
		t.operate(op, args, resources, depth)
	})
}

// numbers are the last n arguments.
func numbers(args []pdf.Value, n int) (all [6]float64, ok bool) {
	if len(args) < n {
		return all, false
	}
	for i, v := range args[len(args)-n:] {
		all[i] = v.Float64()
	}
	return all, true
}

// operands is how many numbers an operator takes.
var operands = map[string]int{"cm": 6, "Tm": 6, "Td": 2, "TD": 2, "Tc": 1, "Tw": 1, "Tz": 1, "TL": 1, "Ts": 1}

func (t *typesetter) operate(op string, args []pdf.Value, resources pdf.Value, depth int) {
	n, ok := numbers(args, operands[op])
	if !ok {
		return
	}
	switch op {
	case "q":
		if len(t.kept) < 1000 {
			t.kept = append(t.kept, t.state)
		}
	case "Q":
		if last := len(t.kept) - 1; last >= 0 {
			t.state, t.kept = t.kept[last], t.kept[:last]
		}
	case "cm":
		t.ctm = matrix(n).times(t.ctm)
	case "BT":
		t.matrix, t.begin = identity, identity
	case "Tm":
		t.matrix, t.begin = matrix(n), matrix(n)
	case "Td", "TD":
		if op == "TD" {
			t.leading = -n[1]
		}
		t.next(n[0], n[1])
	case "T*":
		t.next(0, -t.leading)
	case "Tc":
		t.spacing = n[0]
	case "Tw":
		t.word = n[0]
	case "Tz":
		t.scale = n[0] / 100
	case "TL":
		t.leading = n[0]
	case "Ts":
		t.rise = n[0]
	case "Tf":
		if len(args) == 2 {
			t.font, t.size = t.fontOf(resources.Key("Font").Key(args[0].Name())), args[1].Float64()
		}
	case "'", "\"":
		t.next(0, -t.leading)
		if len(args) > 0 {
			t.show(args[len(args)-1].RawString())
		}
	case "Tj":
		if len(args) > 0 {
			t.show(args[0].RawString())
		}
	case "TJ":
		if len(args) > 0 {
			t.showAll(args[0])
		}
	case "Do":
		if len(args) > 0 && depth < maxForms {
			t.form(resources.Key("XObject").Key(args[0].Name()), resources, depth)
		}
	}
}

func (t *typesetter) next(x, y float64) {
	t.begin = moved(x, y).times(t.begin)
	t.matrix = t.begin
}

// form shows a part of a page that stands by itself.
func (t *typesetter) form(form, resources pdf.Value, depth int) {
	if form.Key("Subtype").Name() != "Form" {
		return
	}
	before := t.state
	if m := form.Key("Matrix"); m.Len() == 6 {
		var by matrix
		for i := range by {
			by[i] = m.Index(i).Float64()
		}
		t.ctm = by.times(t.ctm)
	}
	if own := form.Key("Resources"); !own.IsNull() {
		resources = own
	}
	t.safely(form, resources, depth+1)
	t.state = before
}

func (t *typesetter) showAll(pieces pdf.Value) {
	for i := range pieces.Len() {
		if piece := pieces.Index(i); piece.Kind() == pdf.String {
			t.show(piece.RawString())
		} else {
			t.matrix = moved(-piece.Float64()/1000*t.size*t.scale, 0).times(t.matrix)
		}
	}
}

func (t *typesetter) show(raw string) {
	if t.font == nil {
		return
	}
	for len(raw) > 0 {
		if *t.glyphs++; *t.glyphs > maxGlyphs {
			panic(errGlyph)
		}
		code, text, width := t.font.glyph(raw)
		raw = raw[len(code):]
		advance := width*t.size + t.spacing
		if code == " " {
			advance += t.word
		}
		at := matrix{t.size * t.scale, 0, 0, t.size, 0, t.rise}.times(t.matrix).times(t.ctm)
		end := moved(advance*t.scale, 0).times(t.matrix).times(t.ctm)
		t.put(text, at, end[4])
		t.matrix = moved(advance*t.scale, 0).times(t.matrix)
	}
}

// put adds a glyph, after a line feed or a space where it stands apart from the one before.
func (t *typesetter) put(text string, at matrix, end float64) {
	x, y, height := at[4], at[5], math.Hypot(at[2], at[3])
	size := max(height, t.height, 1e-6)
	switch {
	case !t.any:
	case math.Abs(y-t.y) > 0.5*size:
		t.out.WriteByte('\n')
		if math.Abs(y-t.y) > 2*size {
			t.out.WriteByte('\n')
		}
	case x-t.x > 0.15*size || t.x-x > 2*size:
		t.out.WriteByte(' ')
	}
	t.out.WriteString(text)
	t.x, t.y, t.height, t.any = end, y, height, true
}

// text is what the page says, without the spaces that PDFs put twice and with the words that were divided at the ends of lines whole.
func (t *typesetter) text() string {
	var all []string
	for line := range strings.Lines(t.out.String()) {
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	text := strings.TrimSpace(strings.Join(all, "\n"))
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	return divided.ReplaceAllString(text, "$1$2")
}
