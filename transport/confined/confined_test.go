package confined

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func init() {
	for name, f := range map[string]Function{
		"echo":  func(in []byte, out io.Writer) error { _, err := out.Write(in); return err },
		"fails": func([]byte, io.Writer) error { return errors.New("no such chapter") },
		"panics": func([]byte, io.Writer) error {
			var none []byte
			_ = none[1]
			return nil
		},
		"recurses": func(in []byte, _ io.Writer) error { return errors.New(strings.Repeat("x", deep(1<<40))) },
		"grows": func([]byte, io.Writer) error {
			var all [][]byte
			for {
				all = append(all, make([]byte, 1<<20))
				for i := range all[len(all)-1] {
					all[len(all)-1][i] = 1
				}
			}
		},
		"environment": func(_ []byte, out io.Writer) error {
			_, err := io.WriteString(out, strings.Join(os.Environ(), " "))
			return err
		},
		"writes": func([]byte, io.Writer) error {
			f, err := os.CreateTemp("", "confined")
			if err == nil {
				_, err = f.WriteString("x")
				err = errors.Join(err, os.Remove(f.Name()))
			}
			return err
		},
	} {
		Program(name, f)
	}
}

func deep(n int) int {
	if n == 0 {
		return 0
	}
	return deep(n-1) + 1
}

func TestAProcessMakesWhatItIsGivenIntoWhatItWrites(t *testing.T) {
	t.Parallel()
	got, err := Run(context.Background(), "echo", []byte("tea"), 3)
	if err != nil || string(got) != "tea" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Run(context.Background(), "echo", []byte("coffee"), 5); !errors.Is(err, ErrTooMuch) {
		t.Errorf("too much: %v", err)
	}
}

func TestWhateverAFunctionDoesTheServerGoesOn(t *testing.T) {
	t.Setenv("SECRET", "secret")
	for name, says := range map[string]string{"fails": "no such chapter", "panics": "", "recurses": "", "grows": "", "writes": ""} {
		_, err := Run(context.Background(), name, nil, 1000)
		if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "goroutine") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := Run(context.Background(), "environment", nil, 1000); err != nil || strings.Contains(string(got), "SECRET") {
		t.Errorf("its environment is %s, %v", got, err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := Run(ended, "echo", nil, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that is over: %v", err)
	}
}
