package portation

import (
	"encoding/json"
	"net/http"
	"time"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

const (
	// progressEvery is how often a client is told how far an import is, and loggedEvery how often the log is.
	progressEvery = time.Second
	loggedEvery   = 10
)

// importProgress is how far an import is.
type importProgress struct {
	Read        int `json:"read" doc:"Records that came; they are taken in when all have come."`
	Imported    int `json:"imported"`
	Skipped     int `json:"skipped"`
	FailedCount int `json:"failedCount"`
}

// progressLine and importedLine are the lines of an answer that tells how far it is: many, and one at the end.
type progressLine struct {
	Progress importProgress `json:"progress"`
}

type importedLine struct {
	Success bool     `json:"success" enum:"true"`
	Data    imported `json:"data"`
}

func importedLines() []any {
	return []any{
		progressLine{importProgress{Read: 2, Imported: 1}},
		importedLine{true, imported{Imported: 1, Failed: []importFailure{{2, "no record"}}, FailedCount: 1, OnConflict: conflictSkip}},
		problem.Invalid("The file ends in the middle of a line."),
	}
}

func (i *importing) progress() importProgress {
	i.mu.Lock()
	defer i.mu.Unlock()
	return importProgress{i.read, i.result.Imported, i.result.Skipped, i.result.FailedCount}
}

// tell tells how far the import is until the function that it returns is called: the log and, where it is given, somebody
// more often.
func (i *importing) tell(somebody func(importProgress)) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	log := func(what string) {
		p := i.progress()
		i.api.Logger.Info(what, "agent", i.agent, "read", p.Read, "imported", p.Imported, "skipped", p.Skipped, "failed", p.FailedCount)
	}
	go func() {
		defer close(done)
		every := time.NewTicker(progressEvery)
		defer every.Stop()
		for n := 1; ; n++ {
			select {
			case <-ended:
				return
			case <-every.C:
			}
			if somebody != nil {
				somebody(i.progress())
			}
			if n%loggedEvery == 0 {
				log("an import goes on")
			}
		}
	}()
	return func() {
		close(ended)
		<-done
		log("an import has ended")
	}
}

// aloud answers while the body is still read: {"progress":{…}} each second, then the answer.
func (i *importing) aloud(format string) {
	w := i.c.Writer()
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/2 is
	w.Header().Set("Content-Type", frame.NDJSON)
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	out := json.NewEncoder(patient{w, control})
	stop := i.tell(func(p importProgress) {
		_ = out.Encode(progressLine{p}) // a client that has gone ends the reading
		_ = control.Flush()
	})
	result, err := i.all(format)
	stop()
	i.c.Settle()
	if err != nil {
		p, cause := problem.Of(err)
		if cause != nil {
			i.api.Logger.Error("an import failed", "agent", i.agent, "error", cause)
		}
		_ = out.Encode(p)
		return
	}
	_ = out.Encode(importedLine{true, result})
	_ = control.SetWriteDeadline(time.Time{}) // the connection goes on
}
