package documents

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder holds these files.
func folder(t *testing.T, files map[string]string) Folder {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return Folder{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
}

func paths(found []Document) (all []string) {
	for _, d := range found {
		all = append(all, d.Path)
	}
	return all
}

func TestKnowledgeIsTextsFilesAndFolders(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{
		"tea.md": "\ufeff# Tea\n\nGreen.", "lore/a.txt": "first", "lore/deep/b.MD": "second", "lore/picture.png": "no text", "lore/empty.txt": " ",
	})
	found, _, err := f.Documents(context.Background(), json.RawMessage(`["Coffee is hot.","tea.md",{"path":"./characters/lore/a.txt","shared":true},
		{"directory":"lore"},{"path":"nothing.md"},{"path":"lore/picture.png"},7,{}]`))
	must(t, err)
	if got := paths(found)[1:]; !slices.Equal(got, []string{"tea.md", "lore/a.txt", "lore/deep/b.MD"}) || len(found) != 4 {
		t.Fatalf("found %v", paths(found))
	}
	if d := found[0]; d.Text != "Coffee is hot." || !slices.Equal(d.Fragments, []string{d.Text}) {
		t.Errorf("the text reads %+v", d)
	}
	if d := found[1]; d.ContentType != "text/markdown" || !slices.Equal(d.Fragments, []string{"# Tea\n\nGreen."}) {
		t.Errorf("the file reads %+v", d)
	}
}

func TestNothingOutsideOfTheFolderIsRead(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"inside/a.txt": "inside", "secret.txt": "outside"})
	must(t, os.Symlink(filepath.Join(f.Dir, "secret.txt"), filepath.Join(f.Dir, "inside", "link.txt")))
	f.Dir = filepath.Join(f.Dir, "inside")
	found, _, err := f.Documents(context.Background(), json.RawMessage(`[{"path":"../secret.txt"},{"directory":".."},{"path":"link.txt"},{"path":"/etc/hosts.txt"},{"directory":"."}]`))
	must(t, err)
	if !slices.Equal(paths(found), []string{"a.txt"}) {
		t.Errorf("found %v", paths(found))
	}
}

func TestWithoutAFolderThereAreTheTextsOfTheCharacter(t *testing.T) {
	t.Parallel()
	f := Folder{Dir: filepath.Join(t.TempDir(), "none"), Logger: slog.New(slog.DiscardHandler)}
	found, _, err := f.Documents(context.Background(), json.RawMessage(`["Coffee is hot.",{"path":"a.txt"},{"directory":"lore"}]`))
	must(t, err)
	if len(found) != 1 {
		t.Errorf("found %v", paths(found))
	}
	for _, odd := range []string{``, `null`, `{}`, `"text"`} {
		if found, _, err := f.Documents(context.Background(), json.RawMessage(odd)); err != nil || len(found) != 0 {
			t.Errorf("%s gives %v, %v", odd, found, err)
		}
	}
}

func TestWhatIsNoTextIsLeftOut(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"a.txt": "\xff\xfe", "b.txt": "a\x00b", "c.txt": strings.Repeat("x", maxFile+1), "d.txt": "text"})
	found, _, err := f.Documents(context.Background(), json.RawMessage(`[{"directory":"."}]`))
	must(t, err)
	if !slices.Equal(paths(found), []string{"d.txt"}) {
		t.Errorf("found %v", paths(found))
	}
}

func TestWhatCannotBeReadNowIsToldFromWhatIsGone(t *testing.T) {
	t.Parallel()
	const named = `["note.md",{"path":"gone.md"},{"path":"locked.md"},{"directory":"lore"},{"directory":"none"},"two words.md"]`
	f := folder(t, map[string]string{"lore/a.txt": "first", "lore/b/c.txt": "second", "locked.md": "third"})
	must(t, os.Remove(filepath.Join(f.Dir, "locked.md")))
	must(t, os.Symlink("locked.md", filepath.Join(f.Dir, "locked.md"))) // opening it fails, for root too
	found, unreadable, err := f.Documents(context.Background(), json.RawMessage(named))
	must(t, err)
	if !slices.Equal(paths(found)[:2], []string{"lore/a.txt", "lore/b/c.txt"}) || len(found) != 3 || found[2].Text != "two words.md" {
		t.Errorf("found %v", paths(found))
	}
	if !slices.Equal(unreadable, []string{"locked.md"}) {
		t.Errorf("unreadable are %v", unreadable)
	}
	f.Dir = filepath.Join(f.Dir, "nothing")
	if _, unreadable, err = f.Documents(context.Background(), json.RawMessage(named)); err != nil || len(unreadable) != 5 {
		t.Errorf("without the folder %v are unreadable, %v", unreadable, err)
	}
}

func TestNoByteOrderMarkIsLeftInTexts(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"two.txt": "\ufefffirst\n\ufeffsecond", "mark.txt": "\ufeff"})
	found, _, err := f.Documents(context.Background(), json.RawMessage(`["\ufeffCoffee is hot.",{"directory":"."}]`))
	must(t, err)
	if len(found) != 2 || found[0].Text != "Coffee is hot." || found[1].Text != "first\nsecond" {
		t.Errorf("found %+v", found)
	}
}

func TestFragmentsOverlapAndLoseNothing(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "word%d ", i)
	}
	fragments, err := Split(b.String())
	must(t, err)
	if len(fragments) < 10 {
		t.Fatalf("there are %d fragments", len(fragments))
	}
	for i := range 3000 {
		word := fmt.Sprintf("word%d", i)
		if !slices.ContainsFunc(fragments, func(f string) bool { return slices.Contains(strings.Fields(f), word) }) {
			t.Errorf("%s is in no fragment whole", word)
		}
	}
	codec, err := encoding()
	must(t, err)
	for i, f := range fragments {
		ids, _, err := codec.Encode(f)
		must(t, err)
		if len(ids) > fragmentTokens+2 {
			t.Errorf("fragment %d has %d tokens", i, len(ids))
		}
		if i > 0 && !strings.Contains(f, strings.Fields(fragments[i-1])[len(strings.Fields(fragments[i-1]))-1]) {
			t.Errorf("fragment %d does not begin with the end of the one before", i)
		}
	}
}

func TestFragmentsAreTextInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("你好世界", 5000), strings.Repeat("👩‍👩‍👧", 5000), strings.Repeat("x", 100_000), "", " \n"} {
		fragments, err := Split(text)
		must(t, err)
		for _, f := range fragments {
			if strings.ToValidUTF8(f, "?") != f {
				t.Fatalf("a fragment of %.20q is no UTF-8", text)
			}
		}
		if len(fragments) == 0 != (strings.TrimSpace(text) == "") {
			t.Errorf("%.20q has %d fragments", text, len(fragments))
		}
	}
}
