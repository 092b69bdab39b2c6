package embedded_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"annals/events/embedded"
)

func batchOptions(stream string, revision int64) *streams.BatchAppendReq_Options {
	o := &streams.BatchAppendReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
		ExpectedStreamPosition: &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}},
		DeadlineOption:         &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(patience)},
	}
	if revision >= 0 {
		o.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(revision)}
	}
	return o
}

func batchMessages(n, size int) (messages []*streams.BatchAppendReq_ProposedMessage) {
	for range n {
		messages = append(messages, &streams.BatchAppendReq_ProposedMessage{
			Id: stringID(uuid.New()), Data: make([]byte, size),
			Metadata: map[string]string{"type": "T", "content-type": "application/octet-stream"},
		})
	}
	return messages
}

// batches sends all frames, ends its side, and returns the answers by correlation id.
func (r raw) batches(t testing.TB, frames ...*streams.BatchAppendReq) map[string]*streams.BatchAppendResp {
	t.Helper()
	call, err := r.BatchAppend(r.ctx)
	must(t, err)
	for _, f := range frames {
		must(t, call.Send(f))
	}
	must(t, call.CloseSend())
	answers := map[string]*streams.BatchAppendResp{}
	for {
		a, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return answers
		}
		must(t, err)
		id := a.GetCorrelationId().GetString_()
		holds(t, answers[id] == nil, "answered twice")
		answers[id] = a
	}
}

func TestBatchesAreAnsweredByCorrelationAndWrittenInTheirOrder(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	one, two := stringID(uuid.New()), stringID(uuid.New())
	frames := []*streams.BatchAppendReq{
		{CorrelationId: one, Options: batchOptions("s", -1), ProposedMessages: batchMessages(2, 10)},
		{CorrelationId: two, Options: batchOptions("t", -1), ProposedMessages: batchMessages(1, 10), IsFinal: true},
		{CorrelationId: one, ProposedMessages: batchMessages(2, 10), IsFinal: true},
	}
	var ordered []*shared.UUID
	for i := range 400 {
		ordered = append(ordered, stringID(uuid.New()))
		frames = append(frames, &streams.BatchAppendReq{
			CorrelationId: ordered[i], Options: batchOptions("s", int64(3+i)), ProposedMessages: batchMessages(1, 10), IsFinal: true,
		})
	}
	answers := n.raw(t).batches(t, frames...)
	equal(t, len(answers), 402)
	equal(t, answers[one.GetString_()].GetSuccess().GetCurrentRevision(), 3)
	equal(t, string(answers[two.GetString_()].GetStreamIdentifier().GetStreamName()), "t")
	holds(t, answers[two.GetString_()].GetAny() != nil, "the expected position is echoed")
	for i, id := range ordered {
		equal(t, answers[id.GetString_()].GetSuccess().GetCurrentRevision(), uint64(4+i))
		holds(t, answers[id.GetString_()].GetSuccess().GetPosition().GetCommitPosition() > 0, "no position")
	}
}

func TestABatchThatFailsSaysWhyInItsDetail(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 1)...)
	n.tombstone(t, "gone")
	late, past := batchOptions("s", -1), batchOptions("s", -1)
	late.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-time.Second)}
	past.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Now().Add(-time.Hour))}
	untyped := batchMessages(1, 1)
	untyped[0].Metadata = nil
	for want, frame := range map[string]*streams.BatchAppendReq{
		"WrongExpectedVersion":      {Options: batchOptions("s", 7), ProposedMessages: batchMessages(1, 1)},
		"StreamDeleted":             {Options: batchOptions("gone", -1), ProposedMessages: batchMessages(1, 1)},
		"MaximumAppendSizeExceeded": {Options: batchOptions("s", -1), ProposedMessages: batchMessages(2, 1<<19+1)},
		"BadRequest":                {Options: batchOptions("s", -1), ProposedMessages: untyped},
		"Timeout":                   {Options: late, ProposedMessages: batchMessages(1, 1)},
		"Timeout ":                  {Options: past, ProposedMessages: batchMessages(1, 1)},
	} {
		id := stringID(uuid.New())
		frame.CorrelationId, frame.IsFinal = id, true
		status := n.raw(t).batches(t, frame)[id.GetString_()].GetError()
		equal(t, len(status.GetDetails()), 1)
		name := string(status.GetDetails()[0].MessageName().Name())
		holds(t, name == want || name+" " == want, fmt.Sprintf("got %s, wanted %s", name, want))
	}
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1)
}
