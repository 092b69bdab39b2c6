package dotenv

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.Custom(func(rt *rapid.T) string { return strings.ReplaceAll(rapid.String().Draw(rt, "value"), "\x00", "") })
		variables := rapid.MapOf(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_.]{0,10}`), value).Draw(rt, "variables")
		if got := Parse(Format(variables)); !maps.Equal(got, variables) {
			rt.Fatalf("%q was written and %q read:\n%s", variables, got, Format(variables))
		}
	})
}

func TestWhatPeopleWriteIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"\ufeffZ=first\n# a comment\n\nA=1\nA=2\n":                {"Z": "first", "A": "2"},
		"export B = two words # why\n\tF=\nno variable\n1E=5":     {"B": "two words", "F": ""},
		"C='a#b'\nD=\"x\\ny\"\nE=`it's`\r\nG=https://h/#x\r\n":    {"C": "a#b", "D": "x\ny", "E": "it's", "G": "https://h/#x"},
		"A=\"one\" # a comment\nB='two'\t# another\nC= # nothing": {"A": "one", "B": "two", "C": ""},
		"A=\"-----BEGIN\r\nkey-----\"\r\nB='1\n# 2\n3'\nC=4":      {"A": "-----BEGIN\nkey-----", "B": "1\n# 2\n3", "C": "4"},
		"A=\"open\nB=\"closed\"\nC='x'y\nD=a\"b\"":                {"A": "\"open", "B": "closed", "C": "'x'y", "D": "a\"b\""},
		"A=\"C:\\data\\\"\nB=2":                                   {"A": `C:\data\`, "B": "2"},
	} {
		if got := Parse(text); !maps.Equal(got, want) {
			t.Errorf("%q is read as %q, not %q", text, got, want)
		}
	}
}

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), ".env")
	for _, value := range []string{"1", "2"} {
		r, err := Prepare(file, map[string]string{"A": value})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Commit(); err != nil {
			t.Fatal(err)
		}
		r.Discard()
	}
	r, err := Prepare(file, map[string]string{"A": "3"})
	if err != nil {
		t.Fatal(err)
	}
	r.Discard()
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "A=2\n" {
		t.Errorf("%q %v", text, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if all, _ := os.ReadDir(filepath.Dir(file)); len(all) != 1 {
		t.Errorf("left over: %v", all)
	}
}
