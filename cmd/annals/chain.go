package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/events/chain"
)

// Chain shows signed heads of the chain over the log, and proofs about them, and checks both without any key of the server.
type Chain struct {
	Head  ChainHead  `cmd:"" help:"Print the newest signed head, for somebody else to keep."`
	Prove ChainProve `cmd:"" help:"Print a proof that the newest head covers an event, or goes on from an earlier head."`
	Check ChainCheck `cmd:"" help:"Check a proof, or a copy of the log, against heads that were kept elsewhere. It needs no data folder and no server."`
}

// ChainFolder is where heads are.
type ChainFolder struct {
	DataDir string `name:"data-dir" env:"DATA_DIR" default:".annals" help:"The data folder of a server."`
}

// newest returns the newest signed head in the data folder, and the path of the heads.
func (f ChainFolder) newest() (h chain.SignedHead, path string, err error) {
	dir, err := filepath.Abs(f.DataDir)
	if err != nil {
		return h, "", err
	}
	path = node.ChainIn(dir)
	in, err := os.Open(path)
	if err != nil {
		return h, path, fmt.Errorf("%w; set DATA_DIR to the folder of a server", err)
	}
	defer func() { _ = in.Close() }()
	signed, _, err := chain.ReadKept(in)
	switch {
	case err != nil:
		return h, path, fmt.Errorf("%s: %w", path, err)
	case len(signed) == 0:
		return h, path, fmt.Errorf("%s has no signed head yet: a server signs them", path)
	}
	return signed[len(signed)-1], path, nil
}

// ChainHead prints a head.
type ChainHead struct {
	ChainFolder `embed:""`
}

// Run implements the command.
func (c *ChainHead) Run() error {
	h, _, err := c.newest()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(h)
}

// positionFlag is a position, as the API writes it or its number alone.
type positionFlag struct{ events.Position }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *positionFlag) UnmarshalText(text []byte) error {
	number := string(text)
	if t, err := events.ParseToken(number); err == nil {
		p.Position = t.Position
		return nil
	}
	n, err := strconv.ParseUint(number, 10, 63)
	p.Position = events.Position(n)
	return err
}

// ChainProve prints a proof.
type ChainProve struct {
	Position    positionFlag `placeholder:"POSITION" help:"That of an event, which the newest head covers."`
	Earlier     positionFlag `placeholder:"POSITION" help:"That of an earlier head, which the newest one goes on from."`
	ChainFolder `embed:""`
}

// Validate refuses a proof of nothing.
func (c *ChainProve) Validate() error {
	if c.Position.Position == 0 && c.Earlier.Position == 0 {
		return errors.New("give --position, --earlier or both")
	}
	return nil
}

// Run implements the command.
func (c *ChainProve) Run() error {
	h, path, err := c.newest()
	if err != nil {
		return err
	}
	p, err := chain.Prove(path, h, c.Position.Position, c.Earlier.Position)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(p)
}

// KeptHeads are heads that the operator of the server cannot change.
type KeptHeads struct {
	Heads string   `placeholder:"FILE|URL" help:"Heads that were kept elsewhere: signed ones, or a copy of the chain in the data folder."`
	Key   []string `placeholder:"KEY" help:"A public key, in hexadecimal digits, that heads may be signed with; otherwise that of the earliest head. It can be given several times."`
}

const (
	keptTime = time.Minute
	keptSize = 1 << 30
)

// read adds the heads that were kept; copied reports whether they are a copy of the chain, with lines of this log.
func (k KeptHeads) read(ctx context.Context, log uuid.UUID, heads *chain.Heads) (copied bool, err error) {
	in, err := k.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	signed, lines, err := chain.ReadKept(io.LimitReader(in, keptSize))
	if err != nil {
		return false, fmt.Errorf("%s: %w", k.Heads, err)
	}
	heads.Kept, heads.Signed = true, signed
	if lines = slices.DeleteFunc(lines, func(h chain.Head) bool { return h.Log != log }); len(lines) > 0 {
		heads.Lines = lines
	}
	return len(lines) > 0, nil
}

// open opens a file, or what is at a URL.
func (k KeptHeads) open(ctx context.Context) (io.ReadCloser, error) {
	if !strings.HasPrefix(k.Heads, "https://") && !strings.HasPrefix(k.Heads, "http://") {
		return os.Open(strings.TrimPrefix(k.Heads, "file://"))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.Heads, nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Timeout: keptTime}).Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("%s answers %s", k.Heads, answer.Status)
	}
	return answer.Body, nil
}

// sayHeld says what is known of a log that fits a head.
func sayHeld(h chain.SignedHead) {
	fmt.Printf("up to position %d, which is %d events, the log is what it was at %s, when that was signed with the key %s\n",
		h.Position.Position, h.Events, h.At.Format(time.RFC3339), h.PublicKey)
}

// ChainCheck checks what others show.
type ChainCheck struct {
	Proof     string     `arg:"" optional:"" placeholder:"FILE" help:"A proof, from annals chain prove or /api/history/proof."`
	Log       string     `placeholder:"PATH" help:"A backup of the log, or an export of it."`
	LogLevel  node.Level `name:"log-level" env:"LOG_LEVEL" default:"info" help:"What is written to the standard error: debug, info, warn or error."`
	KeptHeads `embed:""`
}

// Validate refuses to check nothing, and to believe a head because of itself.
func (c *ChainCheck) Validate() error {
	switch {
	case c.Proof == "" && c.Log == "":
		return errors.New("give a proof, --log or both")
	case c.Heads == "" && (c.Log != "" || len(c.Key) == 0):
		return errors.New("give the --heads that were kept; for a proof of inclusion, --key is enough")
	}
	return nil
}

// Run implements the command. It fails where something does not hold.
func (c *ChainCheck) Run(ctx context.Context) error {
	var kept chain.Heads
	if c.Heads != "" {
		if _, err := c.read(ctx, uuid.Nil, &kept); err != nil {
			return err
		}
		if len(kept.Signed) == 0 {
			return fmt.Errorf("%s holds no signed head", c.Heads)
		}
	}
	proof, err := c.proof(kept.Signed)
	if err != nil || c.Log == "" {
		return err
	}
	found := &findings{}
	witness := chain.NewWitness(kept.Signed, c.Key, found.tell)
	for e, err := range rawFrom(ctx, c.Log, node.Places{LogLevel: c.LogLevel}) {
		if err != nil {
			return err
		}
		witness.Event(e)
		if i := proof.Inclusion; i != nil && i.Entry.Position == e.Position {
			if err := i.Covers(e); err != nil {
				found.tell(err.Error())
			}
			proof.Inclusion = nil
		}
	}
	held, ok := witness.End()
	if ok {
		sayHeld(held)
	}
	if i := proof.Inclusion; i != nil {
		found.tell(fmt.Sprintf("the log has no event at position %d", i.Entry.Position))
	}
	if found.n > 0 || !ok {
		return fmt.Errorf("the log does not hold: %s", counted(found.n, "finding"))
	}
	fmt.Println("everything is well")
	return nil
}

// proof checks the proof.
func (c *ChainCheck) proof(kept []chain.SignedHead) (p chain.Proof, err error) {
	if c.Proof == "" {
		return p, nil
	}
	text, err := os.ReadFile(c.Proof)
	if err != nil {
		return p, err
	}
	answer := struct{ Data *chain.Proof }{&p}
	if err := errors.Join(json.Unmarshal(text, &p), json.Unmarshal(text, &answer)); err != nil {
		return p, fmt.Errorf("%s: %w", c.Proof, err)
	}
	var earlier *chain.SignedHead
	trusted := slices.Clone(c.Key)
	for i, h := range kept {
		if err := h.Check(); err != nil {
			return p, err
		}
		if len(c.Key) == 0 {
			trusted = append(trusted, h.PublicKey)
		}
		if p.Consistency != nil && p.Consistency.Events == h.Events {
			earlier = &kept[i]
		}
	}
	if err := p.Check(earlier); err != nil {
		return p, err
	}
	if !slices.Contains(trusted, p.Head.PublicKey) {
		return p, fmt.Errorf("the head of the proof has the key %s, which neither --key nor a kept head has", p.Head.PublicKey)
	}
	fmt.Printf("the proof holds: the head at position %d, signed %s with the key %s", p.Head.Position.Position, p.Head.At.Format(time.RFC3339), p.Head.PublicKey)
	if i := p.Inclusion; i != nil {
		fmt.Printf(", covers the event at position %d, recorded %s", i.Entry.Position, i.Entry.Time().Format(time.RFC3339))
	}
	if earlier != nil {
		fmt.Printf(", goes on from the head at position %d", earlier.Position.Position)
	}
	fmt.Println()
	return p, nil
}
