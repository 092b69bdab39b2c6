package portation

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
	Format string `query:"format" enum:"json,ndjson" doc:"As it is found out where it is not given."`
	DryRun string `query:"dryRun" doc:"true: say what would be done, and do nothing."`

	Passphrase string `header:"X-Annals-Passphrase" doc:"That of the export, where its secrets are in it."`
}

// imported tells what an import did. Lines are those of a file with a record a line, and otherwise count the records.
type imported struct {
	Imported    int             `json:"imported"`
	Skipped     int             `json:"skipped" doc:"What was there already."`
	Failed      []importFailure `json:"failed"`
	FailedCount int             `json:"failedCount"`
	DryRun      bool            `json:"dryRun,omitempty"`
	// Converted is of a character of ElizaOS 0.x.
	Converted []characters.Field `json:"converted,omitempty" doc:"Of a character of ElizaOS 0.x: what became of the fields that had to change."`
	Stopped   *importFailure     `json:"stopped,omitempty" doc:"Where the file ended too early; what lies before is there."`
}

type importFailure struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// errFile is a file that cannot be read on.
type errFile struct{ reason string }

func (e errFile) Error() string { return e.reason }

// importAgent takes in what an export wrote, or a character of ElizaOS with memories. It may be repeated: what is there is
// passed over. Who accepts a record a line is told how far it is; the last line is the answer, in its envelope.
//
// The agent need not be there: a file with its character makes it, which is how an agent comes to another server. What cannot succeed
// is refused before it is read.
func (a *api) importAgent(c *frame.Call, in *importQuery) (imported, error) {
	if err := a.admit(c); err != nil {
		return imported{}, err
	}
	i := &importing{
		api: a, c: c, agent: in.AgentID.UUID, dry: in.DryRun == "true", sum: sha256.New(), counts: map[string]int{},
		result: imported{Failed: []importFailure{}, DryRun: in.DryRun == "true"},
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

// all reads the body.
func (i *importing) all(format string) (imported, error) {
	body := bufio.NewReaderSize(slow{io.LimitReader(i.c.HTTP().Body, maxBody.Value), http.NewResponseController(i.c.Writer())}, 64<<10)
	if mark, _ := body.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = body.Discard(len(mark)) // what was peeked at
	}
	read := i.document
	if format == "ndjson" || format == "" && (strings.Contains(i.c.Header("Content-Type"), frame.NDJSON) || beginsWithALine(body)) {
		read = i.lines
	}
	i.begin()
	err := read(i.c.Unbounded, body)
	i.pending.Wait()
	if err == nil {
		err = i.broken
	}
	var broken errFile
	switch {
	case errors.As(err, &broken):
		i.result.Stopped = &importFailure{i.line, broken.reason}
		p := problem.Invalid("The import stopped at line %d: %s. What lies before is there.", i.line, broken.reason)
		p.Details = i.result
		return i.result, p
	case err != nil:
		return i.result, err
	}
	return i.result, nil
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

// checked compares what was read with the manifest.
func (i *importing) checked(raw json.RawMessage) {
	var m manifest
	if json.Unmarshal(raw, &m) != nil || m.Version == 0 {
		i.fail(i.line, "the manifest is unreadable")
		return
	}
	if m.Version > exportVersion {
		i.fail(i.line, fmt.Sprintf("the export is of version %d, of a newer server: what version %d does not know is not taken in", m.Version, exportVersion))
	}
	if sum := "sha256:" + hexOf(i.sum); m.Checksum != "" && m.Checksum != sum {
		i.fail(i.line, "the checksum differs: records were changed, lost or added since the export")
	}
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
