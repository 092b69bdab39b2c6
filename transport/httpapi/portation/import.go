package portation

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/transport/characters"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/secrets"
)

const byteOrderMark = "\ufeff"

// records has an export as its body, and time for it.
var records = frame.ReadsBody(recordsBody(), frame.NDJSON)

// recordsBody describes it.
func recordsBody() *huma.RequestBody {
	whole := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "An export, or a character with memories."}
	line := &huma.Schema{Type: huma.TypeString, Description: "An export with a record a line."}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: whole}, frame.NDJSON: {Schema: line, Example: `{"type":"memory","data":{"content":{"text":"Tea."}}}` + "\n"}}}
}

type importQuery struct {
	frame.AgentPath
	Format     string `query:"format" enum:"json,ndjson" doc:"As it is found out where it is not given."`
	DryRun     string `query:"dryRun" enum:"true,false" doc:"true: say what would be done, and do nothing."`
	OnConflict string `query:"onConflict" enum:"skip,replace,copy" doc:"skip: what is there already stays. replace: what is there of the agent becomes what the file says. copy: everything gets ids that derive from the agent's and its own. Without it: copy where the file is an export of another agent, otherwise skip."`

	Passphrase string `header:"X-Annals-Passphrase" doc:"That of the export, where its secrets are in it."`
}

// What an import does with what is there already.
const (
	conflictSkip    = "skip"
	conflictReplace = "replace"
	conflictCopy    = "copy"
)

// check refuses values of the query that mean nothing: an import is not done by a client that asked for something else.
func (q *importQuery) check() error {
	for _, p := range []struct {
		name, value string
		known       []string
	}{
		{"format", q.Format, []string{"json", "ndjson"}},
		{"dryRun", q.DryRun, []string{"true", "false"}},
		{"onConflict", q.OnConflict, []string{conflictSkip, conflictReplace, conflictCopy}},
	} {
		if p.value != "" && !slices.Contains(p.known, p.value) {
			return problem.Invalid("Invalid %s: one of %s was expected", p.name, strings.Join(p.known, ", "))
		}
	}
	return nil
}

// imported tells what an import did. Lines are those of a file with a record a line, and otherwise count the records.
type imported struct {
	Imported    int             `json:"imported"`
	Skipped     int             `json:"skipped" doc:"What was there already."`
	Failed      []importFailure `json:"failed"`
	FailedCount int             `json:"failedCount"`
	DryRun      bool            `json:"dryRun,omitempty"`
	OnConflict  string          `json:"onConflict" enum:"skip,replace,copy" doc:"What was done with what was there already."`
	// Converted is of a character of ElizaOS 0.x.
	Converted []characters.Field `json:"converted,omitempty" doc:"Of a character of ElizaOS 0.x: what became of the fields that had to change."`
	Stopped   *importFailure     `json:"stopped,omitempty" doc:"Where the file ended too early; what lies before is there."`
}

type importFailure struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// errFile is a file that is refused: nothing of it is stored.
type errFile struct{ reason string }

func (e errFile) Error() string { return e.reason }

// errCut is a file that ends too early, or cannot be read on: what lies before is taken in.
type errCut struct{ reason string }

func (e errCut) Error() string { return e.reason }

// importAgent takes in what an export wrote, or a character of ElizaOS with memories. It may be repeated: what is there is
// passed over, and what was copied is not copied again. The file is read to its end and held against its manifest before anything
// is stored. A client that accepts a record a line learns how far the import is; the last line is the answer, in its envelope.
//
// The agent need not be there: a file with its character makes it, which is how an agent comes to another server. What cannot succeed
// is refused before it is read.
func (a *api) importAgent(c *frame.Call, in *importQuery) (imported, error) {
	if err := errors.Join(a.admit(c), in.check()); err != nil {
		return imported{}, err
	}
	i := &importing{
		api: a, c: c, agent: in.AgentID.UUID, dry: in.DryRun == "true", onConflict: in.OnConflict, sum: sha256.New(), counts: map[string]int{},
		flying: map[uuid.UUID]bool{}, result: imported{Failed: []importFailure{}, DryRun: in.DryRun == "true"},
	}
	if in.Passphrase != "" {
		i.passphrase = secrets.NewPassphrase(in.Passphrase)
	}
	if strings.Contains(c.Header("Accept"), frame.NDJSON) {
		c.Stream = func() { i.aloud(in.Format) } //nolint:contextcheck // it ends with the client
		return imported{}, nil
	}
	defer i.tell(nil)()
	return i.all(in.Format) //nolint:contextcheck // likewise
}

// admit refuses an import that would fail, whatever it says.
func (a *api) admit(c *frame.Call) error {
	r := c.HTTP()
	switch {
	case a.Done != nil && a.Done.Err() != nil:
		return problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "The server is stopping. Try again.")
	case r.ContentLength > maxBody.Value:
		return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "The import is longer than %d bytes.", maxBody.Value)
	case !strings.Contains(c.Header("Content-Type"), "json"):
		return problem.New(http.StatusBadRequest, problem.CodeContentType, "An import is application/json or %s.", frame.NDJSON)
	}
	return nil
}

// all reads the body, and takes in what it says.
func (i *importing) all(format string) (imported, error) {
	if err := i.open(); err != nil {
		return i.result, err
	}
	defer i.close()
	limited := &io.LimitedReader{R: i.c.HTTP().Body, N: maxBody.Value + 1}
	body := bufio.NewReaderSize(slow{limited, http.NewResponseController(i.c.Writer())}, 64<<10)
	if mark, _ := body.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = body.Discard(len(mark)) // what was peeked at
	}
	read := i.document
	if format == "ndjson" || format == "" && (strings.Contains(i.c.Header("Content-Type"), frame.NDJSON) || beginsWithALine(body)) {
		read = i.lines
	}
	err := read(i.c.Unbounded, body)
	if limited.N <= 0 {
		err = errFile{fmt.Sprintf("the import is longer than %d bytes", maxBody.Value)}
	}
	var cut errCut
	if err == nil || errors.As(err, &cut) {
		stopped := i.line
		if err := i.take(i.c.Unbounded); err != nil {
			return i.result, i.refused(err)
		}
		i.line = stopped
	}
	return i.result, i.refused(err)
}

// refused tells the client of a file that was refused or cut, or for which the disk has no room.
func (i *importing) refused(err error) error {
	var p *problem.Problem
	var file errFile
	var cut errCut
	var disk *fs.PathError
	switch {
	case errors.As(err, &disk):
		i.api.Logger.Error("an import does not fit on the disk of temporary files", "agent", i.agent, "error", err)
		return problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "The server has no room for the import on its disk. Try again later.")
	case errors.As(err, &cut):
		i.result.Stopped = &importFailure{i.line, cut.reason}
		p = problem.Invalid("The import stopped at line %d: %s. What lies before is there.", i.line, cut.reason)
	case errors.As(err, &file):
		i.result.Stopped = &importFailure{i.line, file.reason}
		p = problem.Invalid("The import was refused at line %d: %s. Nothing was stored.", i.line, file.reason)
	default:
		return err
	}
	p.Details = i.result
	return p
}

// slow gives a client lineWait for whatever it sends.
type slow struct {
	io.Reader
	control *http.ResponseController
}

func (s slow) Read(b []byte) (int, error) {
	_ = s.control.SetReadDeadline(time.Now().Add(frame.LineWait))
	return s.Reader.Read(b)
}
