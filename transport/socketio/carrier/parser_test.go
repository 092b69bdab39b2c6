package carrier

import (
	"errors"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/parsers/socket/v3/parser"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

// A binary event holds neither its payload nor its attachments, however large they are; what follows it is decoded.
func TestABinaryEventIsDecodedWithoutItsAttachments(t *testing.T) {
	t.Parallel()
	var decoded []*parser.Packet
	d := textParser{parser.NewParser()}.NewDecoder()
	_ = d.On("decoded", func(args ...any) { decoded = append(decoded, args[0].(*parser.Packet)) })
	add := func(text string) error { return d.Add(types.NewStringBufferString(text)) }
	attached := func() error { return d.Add(types.NewBytesBuffer(make([]byte, 1<<20))) }
	payload := `["2",{"message":{"_placeholder":true,"num":0},"x":` + strings.Repeat("[", 500_000) + `}]`
	for _, step := range []struct {
		name string
		do   func() error
		want error
	}{
		{"an event", func() error { return add(`510-12` + payload) }, nil},
		{"text before its attachments", func() error { return add(`2["1",{}]`) }, parser.ErrPlaintextDuringReconstruction},
		{"its attachments", func() (err error) {
			for range 10 {
				err = errors.Join(err, attached())
			}
			return err
		}, nil},
		{"one more", attached, parser.ErrBinaryWithoutReconstruction},
		{"an acknowledgement", func() error { return add(`61-7` + payload) }, nil},
		{"its attachment", attached, nil},
		{"too many", func() error { return add(`511-` + payload) }, parser.ErrTooManyAttachments},
		{"no number", func() error { return add(`5x-` + payload) }, parser.ErrTooManyAttachments},
		{"nothing", func() error { return add(`5`) }, parser.ErrTooManyAttachments},
		{"no payload", func() error { return add(`51-/` + strings.Repeat("x", 2000)) }, parser.ErrInvalidPayload},
		{"text", func() error { return add(`2["1",{}]`) }, nil},
	} {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, not %v", step.name, err, step.want)
		}
	}
	if len(decoded) != 2 {
		t.Fatalf("%d packets were decoded", len(decoded))
	}
	event := decoded[0]
	if args, _ := event.Data.([]any); event.Type != parser.EVENT || len(args) != 1 || args[0] != Binary || event.Id == nil || *event.Id != 12 {
		t.Errorf("the event is %+v", event)
	}
}
