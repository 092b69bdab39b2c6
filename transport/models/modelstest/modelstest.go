// Package modelstest is what the tests of all models share: a listener, endpoints on the loopback, and an eye on the log.
package modelstest

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, which fail as well when the key was logged or a goroutine is left.
func Main(m *testing.M, key string) {
	logged := &journal{}
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	code := m.Run()
	if strings.Contains(logged.text.String(), key) {
		fmt.Println("the key was logged:", logged.text.String())
		code = 1
	}
	if err := goleak.Find(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// journal keeps what all tests log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// Ear keeps what it hears of the newest attempt.
type Ear struct {
	Heard []string
	Anew  int    // how often an answer began again
	First func() // called at the first piece, where it is set
}

// Hear implements reactions.Listener.
func (e *Ear) Hear(piece string) {
	if e.Heard = append(e.Heard, piece); e.First != nil {
		e.First()
		e.First = nil
	}
}

// Again implements reactions.Listener.
func (e *Ear) Again() { e.Heard, e.Anew = nil, e.Anew+1 }
