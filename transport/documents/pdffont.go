package documents

import (
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ledongthuc/pdf"
	"golang.org/x/text/unicode/norm"
)

// divided is a word that a hyphen divides at the end of a line.
var divided = regexp.MustCompile(`(\p{Ll})[-\x{00ad}\x{2010}]\n(\p{Ll})`)

// maxCodes bounds the codes of a font whose texts are kept.
const maxCodes = 1 << 16

// font says what the codes of a font mean and how wide they are.
type font struct {
	wide    bool // codes have two bytes
	texts   map[string]string
	widths  map[int]float64
	usual   float64
	encoder pdf.TextEncoding // for codes that texts has not
	plain   bool             // codes without a text are those of Adobe's standard encoding
}

// fontOf is a font of a page's resources, which is read once.
func (t *typesetter) fontOf(v pdf.Value) *font {
	key := v.String()
	if f, ok := t.fonts[key]; ok {
		return f
	}
	f := &font{wide: v.Key("Subtype").Name() == "Type0", texts: map[string]string{}, widths: map[int]float64{}, usual: 0.5}
	t.fonts[key] = f
	f.means(v.Key("ToUnicode"))
	if f.wide {
		f.wideWidths(v.Key("DescendantFonts").Index(0))
	} else {
		first := int(v.Key("FirstChar").Int64())
		for i := range min(v.Key("Widths").Len(), 256) {
			f.widths[first+i] = v.Key("Widths").Index(i).Float64() / 1000
		}
	}
	encoding := v.Key("Encoding")
	f.plain = encoding.IsNull() || encoding.Name() == "StandardEncoding"
	f.encoder = (&pdf.Font{V: v}).Encoder()
	return f
}

// glyph is the first code of a string, with its text and its width.
func (f *font) glyph(raw string) (code, text string, width float64) {
	n, number := 1, int(raw[0])
	if f.wide && len(raw) > 1 {
		n, number = 2, int(raw[0])<<8|int(raw[1])
	}
	code = raw[:n]
	width, ok := f.widths[number]
	if !ok {
		width = f.usual
	}
	text, ok = f.texts[code]
	if !ok {
		text = f.decode(code)
		if len(f.texts) < maxCodes {
			f.texts[code] = text
		}
	}
	return code, text, width
}

// ligatures are codes of the standard encoding that the module takes for others.
var ligatures = map[string]string{"\xae": "fi", "\xaf": "fl"}

func (f *font) decode(code string) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	if f.plain && ligatures[code] != "" {
		return ligatures[code]
	}
	if f.encoder == nil {
		return ""
	}
	return legible(f.encoder.Decode(code))
}

// legible has no ligatures, and none of what stands for something unknown.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
}

// wideWidths reads the widths of a font of two bytes a code (ISO 32000, 9.7.4.3).
func (f *font) wideWidths(v pdf.Value) {
	f.usual = 1
	if usual := v.Key("DW"); !usual.IsNull() {
		f.usual = usual.Float64() / 1000
	}
	all := v.Key("W")
	for i := 0; i+1 < all.Len() && len(f.widths) < maxCodes; {
		first := int(all.Index(i).Int64())
		if each := all.Index(i + 1); each.Kind() == pdf.Array {
			for k := range min(each.Len(), maxCodes) {
				f.widths[first+k] = each.Index(k).Float64() / 1000
			}
			i += 2
			continue
		}
		last, width := int(all.Index(i+1).Int64()), all.Index(i+2).Float64()/1000
		for code := first; code <= last && len(f.widths) < maxCodes; code++ {
			f.widths[code] = width
		}
		i += 3
	}
}

// means reads which text each code has (ISO 32000, 9.10.3).
func (f *font) means(toUnicode pdf.Value) {
	if toUnicode.Kind() != pdf.Stream {
		return
	}
	defer func() { _ = recover() }() // what came before something malformed counts
	pdf.Interpret(toUnicode, func(stack *pdf.Stack, op string) {
		args := make([]pdf.Value, stack.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stack.Pop()
		}
		switch op {
		case "endbfchar":
			for i := 0; i+1 < len(args) && len(f.texts) < maxCodes; i += 2 {
				f.texts[args[i].RawString()] = unicodeOf(args[i+1].RawString())
			}
		case "endbfrange":
			for i := 0; i+2 < len(args); i += 3 {
				f.ranges(args[i].RawString(), args[i+1].RawString(), args[i+2])
			}
		}
	})
}

func (f *font) ranges(first, last string, text pdf.Value) {
	if len(first) == 0 || len(first) > 2 || len(last) != len(first) {
		return
	}
	code := []byte(first)
	from, to := []byte(text.RawString()), int(last[len(last)-1])
	for i := 0; int(code[len(code)-1])+i <= to && len(f.texts) < maxCodes; i++ {
		at := append([]byte(nil), code...)
		at[len(at)-1] += byte(i) //nolint:gosec // it does not pass the last
		switch {
		case text.Kind() == pdf.Array:
			f.texts[string(at)] = unicodeOf(text.Index(i).RawString())
		case len(from) > 1:
			units := append([]byte(nil), from...)
			low := int(units[len(units)-2])<<8 + int(units[len(units)-1]) + i
			units[len(units)-2], units[len(units)-1] = byte(low>>8), byte(low) //nolint:gosec // as it is meant
			f.texts[string(at)] = unicodeOf(string(units))
		}
	}
}

// unicodeOf reads UTF-16.
func unicodeOf(raw string) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return legible(string(utf16.Decode(units)))
}
