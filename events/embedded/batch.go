package embedded

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// batchesOpen bounds how many batches of one connection are being received or written at a time.
	batchesOpen = 256
	// batchesMemory bounds what one connection has sent of batches that are not final yet.
	batchesMemory = 2 * maxAppendMemory
)

// BatchAppend implements streams.StreamsServer: many appends over one connection. They are written in the order in which
// they became final, and answered in any.
func (s *streamsAPI) BatchAppend(stream streams.Streams_BatchAppendServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	answers := make(chan *streams.BatchAppendResp, batchesOpen)
	received := make(chan error, 1)
	go func() { received <- s.receiveBatches(ctx, stream, answers) }()
	for {
		select {
		case answer := <-answers:
			if err := stream.Send(answer); err != nil {
				return err
			}
		case err := <-received:
			if err != nil {
				return err
			}
			for range len(answers) {
				if err := stream.Send(<-answers); err != nil {
					return err
				}
			}
			return nil
		case <-s.node.closing:
			return errStopped
		}
	}
}

// batchSlots bounds the batches that are being written: one is taken before, and given back after the answer.
type batchSlots chan struct{}

func (s batchSlots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drained waits until every batch is answered.
func (s batchSlots) drained(ctx context.Context) error {
	for range cap(s) {
		if err := s.take(ctx); err != nil {
			return err
		}
	}
	return nil
}

// receiveBatches returns after the client has ended its side and every batch is answered.
func (s *streamsAPI) receiveBatches(
	ctx context.Context, stream streams.Streams_BatchAppendServer, answers chan<- *streams.BatchAppendResp,
) error {
	answer := func(resp *streams.BatchAppendResp) {
		select {
		case answers <- resp:
		case <-ctx.Done():
		}
	}
	open, slots := openBatches{batches: map[uuid.UUID]*batch{}, answer: answer}, make(batchSlots, batchesOpen)
	defer open.close()
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return slots.drained(ctx)
		}
		if err != nil {
			return err
		}
		b, err := open.take(req)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		if err := slots.take(ctx); err != nil {
			return err
		}
		s.writeBatch(ctx, b, func(resp *streams.BatchAppendResp) {
			answer(resp)
			<-slots
		})
	}
}

// writeBatch enqueues the batch at once, so that the order is kept, and answers when it is on disk.
func (s *streamsAPI) writeBatch(ctx context.Context, b *batch, answer func(*streams.BatchAppendResp)) {
	if time.Until(b.due) <= 0 {
		answer(b.failed(errTimeout))
		return
	}
	limited, cancel := context.WithDeadline(ctx, b.due)
	w := &write{stream: b.stream, expect: b.expect, events: b.events}
	if err := s.node.writer.enqueue(limited, w); err != nil {
		cancel()
		answer(b.failed(err))
		return
	}
	go func() {
		defer cancel()
		o, err := s.node.writer.await(limited, w)
		answer(b.answer(o, err))
	}()
}

func (b *batch) answer(o outcome, err error) *streams.BatchAppendResp {
	switch {
	case err != nil:
		return b.failed(err)
	case o.verdict == verdictDeleted:
		return b.failed(errStreamDeleted(b.stream))
	case o.verdict == verdictConflict:
		return b.conflict(o.current)
	}
	success := &streams.BatchAppendResp_Success{PositionOption: &streams.BatchAppendResp_Success_Position{
		Position: &shared.AllStreamPosition{CommitPosition: o.at.Position, PreparePosition: o.at.Position},
	}}
	if o.at.Revision < 0 {
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}}
	} else {
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: uint64(o.at.Revision)}
	}
	resp := b.response()
	resp.Result = &streams.BatchAppendResp_Success_{Success: success}
	return resp
}

// response echoes what the batch was about.
func (b *batch) response() *streams.BatchAppendResp {
	resp := &streams.BatchAppendResp{CorrelationId: b.correlation, StreamIdentifier: b.options.GetStreamIdentifier()}
	switch e := b.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		resp.ExpectedStreamPosition = &streams.BatchAppendResp_StreamPosition{StreamPosition: e.StreamPosition}
	case *streams.BatchAppendReq_Options_NoStream:
		resp.ExpectedStreamPosition = &streams.BatchAppendResp_NoStream{NoStream: e.NoStream}
	case *streams.BatchAppendReq_Options_Any:
		resp.ExpectedStreamPosition = &streams.BatchAppendResp_Any{Any: e.Any}
	case *streams.BatchAppendReq_Options_StreamExists:
		resp.ExpectedStreamPosition = &streams.BatchAppendResp_StreamExists{StreamExists: e.StreamExists}
	}
	return resp
}
