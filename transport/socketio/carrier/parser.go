package carrier

import (
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/zishang520/socket.io/parsers/socket/v3/parser"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

// Binary is the event that a client's event with binary attachments becomes. It has no arguments.
const Binary = "binary"

// textParser is the library's parser without binary attachments, which the library would hold until the last one has come.
type textParser struct{ parser.Parser }

// NewDecoder implements parser.Parser.
func (p textParser) NewDecoder() parser.Decoder { return &textDecoder{Decoder: p.Parser.NewDecoder()} }

// textDecoder drops the payload of a binary event and the attachments that follow it. What is left is the event Binary, which may be
// acknowledged.
type textDecoder struct {
	parser.Decoder
	drops atomic.Int64 // attachments that follow
}

// Add implements parser.Decoder.
func (d *textDecoder) Add(data any) error {
	var text string
	switch data := data.(type) {
	case string:
		text = data
	case *types.StringBuffer:
		text = data.String()
	default:
		return d.binary(data)
	}
	if d.drops.Load() > 0 {
		return parser.ErrPlaintextDuringReconstruction
	}
	if text == "" || text[0] != '5' && text[0] != '6' {
		return d.Decoder.Add(data)
	}
	count, rest, _ := strings.Cut(text[1:min(len(text), maxBinaryHead)], "-")
	n, err := strconv.ParseUint(count, 10, 32)
	if err != nil || n > parser.DefaultMaxAttachments {
		return parser.ErrTooManyAttachments
	}
	address, _, found := strings.Cut(rest, "[") // the namespace, and the id of the acknowledgement
	if !found {
		return parser.ErrInvalidPayload
	}
	d.drops.Store(int64(n)) //nolint:gosec // at most DefaultMaxAttachments
	if text[0] == '6' {     // nothing that the server sends asks for an acknowledgement
		return nil
	}
	return d.Decoder.Add("2" + address + `["` + Binary + `"]`)
}

// maxBinaryHead is longer than what stands before the payload of a binary event.
const maxBinaryHead = 1 << 10

// binary drops an attachment that was announced.
func (d *textDecoder) binary(data any) error {
	if d.drops.Load() <= 0 {
		return parser.ErrBinaryWithoutReconstruction
	}
	d.drops.Add(-1)
	if c, ok := data.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
