package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Bounds of an import.
const (
	// maxRecord bounds one record, in bytes: a memory with its vector.
	maxRecord = 2 << 20
	// maxFailures bounds the failures that are listed; all are counted.
	maxFailures = 1000
)

// records has an export as its body, and time for it.
func records(o *operation) { o.upload, o.records = true, true }

// recordsBody describes it.
func recordsBody() *huma.RequestBody {
	whole := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "An export, or a character with memories."}
	line := &huma.Schema{Type: huma.TypeString, Description: "An export with a record a line."}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: whole}, ndjson: {Schema: line}}}
}

type importQuery struct {
	AgentPath
	Format string `query:"format" enum:"json,ndjson" doc:"As it is found out where it is not given."`
	DryRun string `query:"dryRun" doc:"true: say what would be done, and do nothing."`
}

// imported tells what an import did. Lines are those of a file with a record a line, and otherwise count the records.
type imported struct {
	Imported    int             `json:"imported"`
	Skipped     int             `json:"skipped" doc:"What was there already."`
	Failed      []importFailure `json:"failed"`
	FailedCount int             `json:"failedCount"`
	DryRun      bool            `json:"dryRun,omitempty"`
	Stopped     *importFailure  `json:"stopped,omitempty" doc:"Where the file ended too early; what lies before is there."`
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
func (a *API) importAgent(c *call, in *importQuery) (imported, error) {
	i := &importing{
		api: a, c: c, agent: in.AgentID.UUID, dry: in.DryRun == "true", sum: sha256.New(), counts: map[string]int{},
		result: imported{Failed: []importFailure{}, DryRun: in.DryRun == "true"},
	}
	if strings.Contains(c.gin.GetHeader("Accept"), ndjson) {
		c.stream = func() { i.aloud(in.Format) } //nolint:contextcheck // it ends with the client
		return imported{}, nil
	}
	defer i.tell(nil)()
	return i.all(in.Format) //nolint:contextcheck // likewise
}

// all reads the body.
func (i *importing) all(format string) (imported, error) {
	g := i.c.gin
	body := bufio.NewReaderSize(slow{g.Request.Body, http.NewResponseController(g.Writer)}, 64<<10)
	read := i.document
	if format == "ndjson" || format == "" && (strings.Contains(g.GetHeader("Content-Type"), ndjson) || beginsWithALine(body)) {
		read = i.lines
	}
	i.begin(i.c.unbounded)
	err := read(i.c.unbounded, body)
	i.finish()
	var broken errFile
	switch {
	case errors.As(err, &broken):
		i.result.Stopped = &importFailure{i.line, broken.reason}
		p := invalid("The import stopped at line %d: %s. What lies before is there.", i.line, broken.reason)
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
	_ = s.control.SetReadDeadline(time.Now().Add(lineWait))
	return s.Reader.Read(b)
}

// beginsWithALine tells an export that has a record a line from a document.
func beginsWithALine(body *bufio.Reader) bool {
	begin, _ := body.Peek(4096)
	line, _, whole := bytes.Cut(begin, []byte("\n"))
	var l importLine
	return whole && json.Unmarshal(line, &l) == nil && l.Type != "" && l.Data != nil
}

type importLine struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// lines reads a record a line. A line that is no record is told of, and the next is read.
func (i *importing) lines(ctx context.Context, body *bufio.Reader) error {
	headed, ended := false, false
	for {
		line, err := readLine(body)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		i.line++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			i.fail(i.line, fmt.Sprintf("longer than %d bytes", maxRecord))
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return errFile{"the file could not be read on"}
		}
		if i.line == 1 && bytes.HasPrefix(line, []byte("PK\x03\x04")) {
			return errFile{"this is a ZIP archive, not JSON"}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var l importLine
		if cleaned, cleanErr := clean(line); cleanErr != nil || json.Unmarshal(cleaned, &l) != nil || l.Type == "" {
			if errors.Is(err, io.EOF) { // the last line has no end
				return errFile{"the file ends within a record"}
			}
			i.fail(i.line, "no record: {\"type\", \"data\"} was expected")
			continue
		}
		headed, ended = headed || l.Type == kindExport, l.Type == kindManifest
		if err := i.record(ctx, l.Type, l.Data); err != nil {
			return err
		}
	}
	switch {
	case i.line == 0:
		return errFile{"the file is empty"}
	case headed && !ended:
		return errFile{"the end of the export is missing"}
	}
	return nil
}

// readLine gives the next line; of one that is too long it skips the rest.
func readLine(body *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := body.ReadSlice('\n')
		if len(line) <= maxRecord {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(line) > maxRecord {
			return nil, bufio.ErrBufferFull
		}
		return line, err
	}
}

// document reads one JSON document: an export with or without its envelope, or a character with its memories.
func (i *importing) document(ctx context.Context, body *bufio.Reader) error {
	if magic, _ := body.Peek(4); string(magic) == "PK\x03\x04" {
		return errFile{"this is a ZIP archive, not JSON"}
	}
	d := json.NewDecoder(body)
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errFile{"no JSON object"}
	}
	character := map[string]json.RawMessage{}
	spool, err := newSpool()
	if err != nil {
		return err
	}
	defer spool.remove()
	i.later = spool
	if err := i.object(ctx, d, character, 0); err != nil {
		return err
	}
	if len(character) == 0 {
		return nil
	}
	raw, err := json.Marshal(character)
	if err != nil {
		return err
	}
	if err := i.record(ctx, kindCharacter, raw); err != nil {
		return err
	}
	return spool.each(func(line int, raw []byte) error {
		i.line = line
		return i.record(ctx, kindMemory, raw)
	})
}

// spool holds the memories of a character that stands there bare, until the character was read whole.
type spool struct {
	file *os.File
	to   *bufio.Writer
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "annals-import-*")
	if err != nil {
		return nil, err
	}
	return &spool{f, bufio.NewWriter(f)}, nil
}

func (s *spool) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

func (s *spool) add(line int, raw json.RawMessage) error {
	var whole bytes.Buffer
	if err := json.Compact(&whole, raw); err != nil {
		return errFile{"the JSON is malformed"}
	}
	_, err := fmt.Fprintf(s.to, "%d %s\n", line, whole.Bytes())
	return err
}

func (s *spool) each(yield func(int, []byte) error) error {
	if err := s.to.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReader(s.file)
	for {
		l, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		number, raw, _ := bytes.Cut(bytes.TrimSuffix(l, []byte("\n")), []byte(" "))
		line, err := strconv.Atoi(string(number))
		if err != nil {
			return err
		}
		if err := yield(line, raw); err != nil {
			return err
		}
	}
}

// lists are the kinds by the names of the lists that hold them.
var lists = func() map[string]string {
	all := map[string]string{}
	for kind, name := range members {
		all[name] = kind
	}
	return all
}()

// passing are members of a document that say nothing of the agent.
var passing = map[string]bool{"success": true, "agentId": true, "exportedAt": true}

// object reads the members of an object whose begin was read. What belongs to neither an export nor its envelope is part of
// a character that stands there bare.
func (i *importing) object(ctx context.Context, d *json.Decoder, character map[string]json.RawMessage, depth int) error {
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errFile{"the JSON is broken off or malformed"}
		}
		key, _ := name.(string)
		switch kind := lists[key]; {
		case kind != "":
			err = i.list(ctx, d, kind)
		case key == "data" && depth == 0:
			if t, tokenErr := d.Token(); tokenErr != nil || t != json.Delim('{') {
				return errFile{"data is no object"}
			}
			err = i.object(ctx, d, character, depth+1)
		default:
			err = i.member(ctx, d, key, character)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errFile{"the JSON is broken off or malformed"}
	}
	return nil
}

func (i *importing) member(ctx context.Context, d *json.Decoder, key string, character map[string]json.RawMessage) error {
	value, err := i.value(d)
	switch {
	case key == "version":
		i.later = nil // an export: its character comes first
		return err
	case err != nil || passing[key]:
		return err
	case key == kindCharacter || key == kindManifest:
		i.line++
		return i.record(ctx, key, value)
	}
	character[key] = value
	return nil
}

// value reads one value, cleaned.
func (i *importing) value(d *json.Decoder) (json.RawMessage, error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, errFile{"the JSON is broken off or malformed"}
	}
	if cleaned, err := clean(raw); err == nil {
		raw = cleaned
	} // or it is refused as a record
	return raw, nil
}

func (i *importing) list(ctx context.Context, d *json.Decoder, kind string) error {
	t, err := d.Token()
	if err != nil || t != nil && t != json.Delim('[') {
		return errFile{members[kind] + " is no list"}
	}
	if t == nil {
		return nil
	}
	for d.More() {
		raw, err := i.value(d)
		if err != nil {
			return err
		}
		i.line++
		if len(raw) > maxRecord {
			i.fail(i.line, fmt.Sprintf("longer than %d bytes", maxRecord))
			continue
		}
		if kind == kindMemory && i.later != nil {
			err = i.later.add(i.line, raw)
		} else {
			err = i.record(ctx, kind, raw)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errFile{"the JSON is broken off or malformed"}
	}
	return nil
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
