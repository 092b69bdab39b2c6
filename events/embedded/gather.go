package embedded

import (
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// batch is one append of a BatchAppend connection, gathered until its final frame.
type batch struct {
	proposal
	correlation *shared.UUID
	options     *streams.BatchAppendReq_Options
	stream      string
	expect      expectation
	due         time.Time   // when it is to be answered at the latest
	late        *time.Timer // answers it then if it is not final
}

// begin reads the options.
func (b *batch) begin() (err error) {
	if b.stream, err = streamName(b.options.GetStreamIdentifier()); err != nil {
		return err
	}
	if b.expect, err = b.expectation(); err != nil {
		return err
	}
	within := writeTimeout
	switch d := b.options.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		within = min(d.Deadline.AsDuration(), writeTimeout)
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		within = min(time.Until(d.Deadline_21_10_0.AsTime()), writeTimeout)
	}
	if b.due = time.Now().Add(within); within <= 0 {
		return errTimeout
	}
	return nil
}

func (b *batch) expectation() (expectation, error) {
	switch e := b.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		return expectRevision(e.StreamPosition)
	case *streams.BatchAppendReq_Options_NoStream:
		return expectNoStream, nil
	case *streams.BatchAppendReq_Options_StreamExists:
		return expectExists, nil
	case *streams.BatchAppendReq_Options_Any:
		return expectAny, nil
	}
	return 0, errInvalid("the expected position is missing")
}

// openBatches are the batches of a connection that are neither final nor answered yet.
type openBatches struct {
	mu      sync.Mutex
	batches map[uuid.UUID]*batch
	memory  int
	answer  func(*streams.BatchAppendResp)
}

// take adds a frame to its batch, and hands the batch out when it is final. One that cannot be written is answered at once.
func (o *openBatches) take(req *streams.BatchAppendReq) (*batch, error) {
	id, err := parseUUID(req.GetCorrelationId())
	if err != nil {
		return nil, err
	}
	b, failure := o.gather(id, req)
	switch {
	case b == nil:
		return nil, nil // the rest of a batch that was answered: clients cannot bear a second answer
	case failure != nil:
		o.answer(b.failed(failure))
		return nil, nil
	case req.GetIsFinal():
		return b, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.batches) > batchesOpen || o.memory > batchesMemory {
		return nil, errInvalid("too many batches are open: finish some before beginning others")
	}
	return nil, nil
}

// gather finds or begins the batch of a frame and adds its events. What is final or has failed is no longer open.
func (o *openBatches) gather(id uuid.UUID, req *streams.BatchAppendReq) (b *batch, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b = o.batches[id]; b == nil {
		if req.GetOptions() == nil {
			return nil, nil
		}
		b = &batch{correlation: req.GetCorrelationId(), options: req.GetOptions()}
		if err = b.begin(); err != nil {
			return b, err
		}
		b.late = time.AfterFunc(time.Until(b.due), func() { o.expire(id, b) })
		o.batches[id] = b
	}
	o.memory -= b.memory
	for _, m := range req.GetProposedMessages() {
		if err = b.add(m); err != nil {
			break
		}
	}
	if err != nil || req.GetIsFinal() {
		o.forget(id, b)
	} else {
		o.memory += b.memory
	}
	return b, err
}

func (o *openBatches) forget(id uuid.UUID, b *batch) {
	b.late.Stop()
	delete(o.batches, id)
}

// expire answers a batch whose client has not finished it in time.
func (o *openBatches) expire(id uuid.UUID, b *batch) {
	o.mu.Lock()
	open := o.batches[id] == b
	if open {
		o.forget(id, b)
		o.memory -= b.memory
	}
	o.mu.Unlock()
	if open {
		o.answer(b.failed(errTimeout))
	}
}

// close forgets what was never finished.
func (o *openBatches) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, b := range o.batches {
		o.forget(id, b)
	}
}
