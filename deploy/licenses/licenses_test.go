package licenses

import (
	"bytes"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func notices(t *testing.T) string {
	t.Helper()
	var all bytes.Buffer
	if err := Write(&all); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestEveryModuleThatIsLinkedHasItsNotice(t *testing.T) {
	t.Parallel()
	listed := exec.Command("go", "list", "-tags", "nomsgpack", "-deps", "-f", `{{with .Module}}{{if not .Main}}== {{.Path}} {{.Version}}{{end}}{{end}}`, "annals/cmd/annals")
	out, err := listed.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(notices(t), "\n")
	linked := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(string(out), "== ", "=="), " ", "@"))
	if len(linked) < 100 {
		t.Errorf("only %d packages are of modules", len(linked))
	}
	for _, m := range slices.Compact(linked) {
		if heading := "== " + strings.Replace(strings.TrimPrefix(m, "=="), "@", " ", 1); !slices.Contains(all, heading) {
			t.Errorf("%s has no notice: run go run deploy/licenses/collect.go", heading)
		}
	}
}

// Data that others made are embedded compressed, or as modules of WebAssembly.
func TestEveryEmbeddedFileOfOthersHasItsNotice(t *testing.T) {
	t.Parallel()
	all := notices(t)
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != root || d.IsDir() && d.Name() == "testdata" {
			if d != nil && d.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator)))
		if !slices.Contains([]string{".gz", ".zst", ".wasm", ".onnx", ".bin"}, filepath.Ext(name)) || strings.HasPrefix(name, "deploy/licenses/") || strings.HasPrefix(name, "bin/") {
			return nil
		}
		found++
		if !strings.Contains(all, "== "+name+"\n") && !strings.Contains(all, "== "+path.Dir(name)+"\n") {
			t.Errorf("%s has no notice in deploy/licenses/data", name)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d files: %v", found, err)
	}
}
