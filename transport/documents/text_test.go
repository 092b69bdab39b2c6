package documents

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// pdfOf is a PDF of objects, the first of which is the catalogue.
func pdfOf(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

func streamOf(dict, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(content), content)
}

func packed(content string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(content))
	_ = z.Close()
	return streamOf("/Filter /FlateDecode", b.String())
}

// page is a PDF of one page with this content; font 1 is Helvetica, and 2 has codes of two bytes.
func page(content string) []byte {
	widths := strings.Repeat("500 ", 224)
	return pdfOf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 4 0 R /F2 5 0 R >> /XObject << /X 9 0 R >> >> /Contents 8 0 R >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 32 /LastChar 255 /Widths ["+widths+"] >>",
		"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
		"<< /Type /Font /Subtype /CIDFontType2 /DW 1000 /W [1 [600 600] 5 6 700] >>",
		packed("begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <6771> endbfchar "+
			"1 beginbfrange <0002> <0003> <4eac> endbfrange 1 beginbfrange <0005> <0006> [<0041> <d83dde00>] endbfrange endcmap"),
		packed(content), streamOf("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 4 0 R >> >>", "BT /F1 10 Tf 1 0 0 1 50 20 Tm (a footnote) Tj ET"))
}

func docxOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "_rels/.rels", "word/document.xml"} {
		if content, ok := files[name]; ok {
			w, err := z.Create(name)
			must(t, err)
			_, err = w.Write([]byte(content))
			must(t, err)
		}
	}
	must(t, z.Close())
	return b.Bytes()
}

func docx(t testing.TB, body string) []byte {
	t.Helper()
	return docxOf(t, map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`, "_rels/.rels": `<Relationships/>`,
		"word/document.xml": `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body + `</w:body></w:document>`,
	})
}

func TestTheTextOfEachFormat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, declared string
		data           []byte
		kind, text     string
	}{
		"a text with a mark":       {"a.txt", "", []byte("\ufeffGreen tea\n\ufeffis hot."), Plain, "Green tea\nis hot."},
		"UTF-16":                   {"a.txt", "", []byte("\xff\xfet\x00e\x00a\x00"), Plain, "tea"},
		"UTF-16, the other way":    {"a.txt", "", []byte("\xfe\xff\x00t\x00e\x00a"), Plain, "tea"},
		"Markdown":                 {"A.MD", "text/plain", []byte("# Tea\n\nGreen."), Markdown, "# Tea\n\nGreen."},
		"Markdown that is said":    {"", "text/markdown; charset=utf-8", []byte("# Tea"), Markdown, "# Tea"},
		"a page":                   {"", "", []byte("<html><head><title>Tea</title><style>p{}</style></head><script>if (a<b) x()</script><body><h2>Green\n tea</h2><p>It is <b>h</b>ot &amp; wet.<ul><li>one<li>two</ul><table><tr><td>a<td>b</table><!-- no --></body></html>"), HTML, "# Tea\n## Green tea\nIt is hot & wet.\n- one\n- two\na b"},
		"a page in another script": {"", "text/html", []byte("<html><meta charset=windows-1251><p>\xcc\xee\xf1\xea\xe2\xe0</p></html>"), HTML, "Москва"},
		"DOCX": {"tea.docx", "", docx(t, `<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Tea</w:t></w:r></w:p><w:p><w:r><w:t xml:space="preserve">It is </w:t></w:r><w:r><w:t>hot</w:t></w:r>`+
			`<w:r><w:tab/><w:t>&amp; wet.</w:t></w:r></w:p>`), DOCX, "# Tea\nIt is hot & wet."},
		"PDF": {"tea.pdf", "", page("BT /F1 10 Tf 50 700 Td [(Gr) 20 (een) -300 (tea)] TJ 0 -12 Td (is steep-) Tj T* 0 -12 Td (ed at \\25680 degrees; a \\256ne cup) Tj ET " +
			"BT /F2 10 Tf 1 0 0 1 50 600 Tm <0001000200030005> Tj <0006> Tj ET q 1 0 0 1 0 0 cm /X Do Q"), PDF, "Green tea\nis steeped at fi80 degrees; a fine cup\n\n東京京A😀\n\na footnote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if kind := TypeOf(c.file, c.declared, c.data); kind != c.kind {
				t.Fatalf("it is %q", kind)
			}
			text, err := Text(context.Background(), c.kind, c.data)
			if want := strings.ReplaceAll(c.text, "東京京", "東京\u4ead"); err != nil || text != want {
				t.Errorf("%q, %v, not %q", text, err, want)
			}
		})
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	t.Parallel()
	whole := page("BT /F1 10 Tf (tea) Tj ET")
	for name, c := range map[string]struct {
		kind string
		data []byte
		err  error
	}{
		"no UTF-8":             {Plain, []byte("a\xff"), ErrUnreadable},
		"a NUL":                {Plain, []byte("a\x00b"), ErrUnreadable},
		"nothing":              {Plain, []byte(" \ufeff\n"), ErrEmpty},
		"too much":             {Plain, bytes.Repeat([]byte("tea "), 200_000), ErrTooLong},
		"too much when quoted": {Plain, bytes.Repeat([]byte(`"`), 400_000), ErrTooLong},
		"another type":         {"image/png", []byte("x"), ErrType},
		"a page of nothing":    {HTML, []byte("<html><script>x()</script></html>"), ErrEmpty},
		"a long page":          {HTML, []byte("<p>" + strings.Repeat("tea ", 200_000)), ErrTooLong},
		"half a PDF":           {PDF, whole[:len(whole)/2], ErrUnreadable},
		"a PDF of nothing":     {PDF, page(""), ErrEmpty},
		"no PDF":               {PDF, []byte("%PDF-1.4\nx"), ErrUnreadable},
		"a PDF in itself":      {PDF, page("/X Do BT /F1 10 Tf ET " + strings.Repeat("q ", 5000)), nil},
		"no DOCX":              {DOCX, docxOf(t, map[string]string{"_rels/.rels": "x"}), ErrUnreadable},
		"half a DOCX":          {DOCX, docx(t, "<w:p><w:r><w:t>tea")[:100], ErrUnreadable},
		"a bomb":               {DOCX, docx(t, "<w:p><w:r><w:t>"+strings.Repeat(" ", 65<<20)+"</w:t></w:r></w:p>"), ErrUnreadable},
		"a bomb in a PDF":      {PDF, page(strings.Repeat("BT /F1 10 Tf ("+strings.Repeat("x", 1000)+") Tj ET ", 5000)), ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Text(context.Background(), c.kind, c.data); !errors.Is(err, c.err) && (!errors.Is(c.err, ErrUnreadable) || !errors.Is(err, ErrTooLong)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if kind := TypeOf("a.txt", "text/plain", []byte("\x89PNG\r\n\x1a\n0000")); kind != "" {
		t.Errorf("a picture is %s", kind)
	}
}

func FuzzReaders(f *testing.F) {
	f.Add(page("BT /F1 10 Tf 50 700 Td [(Gr) 20 (een)] TJ ET"))
	f.Add(docx(f, "<w:p><w:r><w:t>tea</w:t></w:r></w:p>"))
	f.Add([]byte("<html><head><title>Tea</title><script>x</script><p>a<b>b"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, read := range confinedReaders { // none panics in the process that reads it
			_ = read(data, &bytes.Buffer{})
		}
	})
}
