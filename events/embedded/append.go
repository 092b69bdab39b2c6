package embedded

import (
	"context"
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

const (
	// maxAppendBytes is EventStoreDB's limit for the data of one append.
	maxAppendBytes = 1 << 20
	// maxAppendMemory bounds what EventStoreDB does not count: metadata and the number of events.
	maxAppendMemory = 16 << 20
	// eventOverhead is counted for each event towards maxAppendMemory.
	eventOverhead = 128
)

// streamsAPI answers the Streams service.
type streamsAPI struct {
	streams.UnimplementedStreamsServer
	node *Node
}

// proposal collects the events of one append and holds its limits.
type proposal struct {
	events       []*record
	data, memory int
}

type proposedMessage interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

func (p *proposal) add(m proposedMessage) error {
	id, err := parseUUID(m.GetId())
	if err != nil {
		return err
	}
	if id == uuid.Nil {
		return errInvalid("an event's id is empty")
	}
	kind, ok := m.GetMetadata()[metadataType]
	if !ok {
		return errMissingMetadata(metadataType)
	}
	content, ok := m.GetMetadata()[metadataContentType]
	if !ok {
		return errMissingMetadata(metadataContentType)
	}
	if kind == "" {
		return errInvalid("an event's type is empty")
	}
	p.data += len(m.GetData())
	p.memory += len(m.GetData()) + len(m.GetCustomMetadata()) + len(kind) + eventOverhead
	if p.data > maxAppendBytes || p.memory > maxAppendMemory {
		return errAppendTooBig()
	}
	p.events = append(p.events, &record{
		ID: id, Type: kind, JSON: content == contentJSON, Data: m.GetData(), Metadata: m.GetCustomMetadata(),
	})
	return nil
}

// Append implements streams.StreamsServer: options first, then the events, one answer.
func (s *streamsAPI) Append(stream streams.Streams_AppendServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	options := first.GetOptions()
	if options == nil {
		return errInvalid("an append begins with its options")
	}
	name, err := streamName(options.GetStreamIdentifier())
	if err != nil {
		return err
	}
	expect, err := expectationOf(options.GetExpectedStreamRevision())
	if err != nil {
		return err
	}
	var p proposal
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		m := req.GetProposedMessage()
		if m == nil {
			return errInvalid("an append's options are followed by events only")
		}
		if err := p.add(m); err != nil {
			return err
		}
	}
	o, err := s.node.write(stream.Context(), &write{stream: name, expect: expect, events: p.events})
	if err != nil {
		return err
	}
	if o.verdict == verdictDeleted {
		return errStreamDeleted(name)
	}
	return stream.SendAndClose(appendResponse(expect, o))
}

func appendResponse(expect expectation, o outcome) *streams.AppendResp {
	if o.verdict == verdictConflict {
		return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{
			WrongExpectedVersion: wrongExpectedVersion(expect, o.current),
		}}
	}
	success := &streams.AppendResp_Success{PositionOption: &streams.AppendResp_Success_Position{
		Position: &streams.AppendResp_Position{CommitPosition: o.at.Position, PreparePosition: o.at.Position},
	}}
	if o.at.Revision < 0 {
		success.CurrentRevisionOption = &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}}
	} else {
		success.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(o.at.Revision)}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: success}}
}

// wrongExpectedVersion fills the fields of clients before 20.6.1 too.
func wrongExpectedVersion(expect expectation, current int64) *streams.AppendResp_WrongExpectedVersion {
	w, none := &streams.AppendResp_WrongExpectedVersion{}, &shared.Empty{}
	if current < 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: none}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: none}
	} else {
		revision := uint64(current)
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: revision}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: revision}
	}
	switch expect {
	case expectAny:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: none}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: none}
	case expectExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: none}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: none}
	case expectNoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: none}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: wireEnd}
	default:
		revision := uint64(expect)
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: revision}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: revision}
	}
	return w
}

// expectationOf reads the expected revision of an append, a delete or a tombstone.
func expectationOf(option any) (expectation, error) {
	switch o := option.(type) {
	case *streams.AppendReq_Options_Revision:
		return expectRevision(o.Revision)
	case *streams.DeleteReq_Options_Revision:
		return expectRevision(o.Revision)
	case *streams.TombstoneReq_Options_Revision:
		return expectRevision(o.Revision)
	case *streams.AppendReq_Options_NoStream, *streams.DeleteReq_Options_NoStream, *streams.TombstoneReq_Options_NoStream:
		return expectNoStream, nil
	case *streams.AppendReq_Options_Any, *streams.DeleteReq_Options_Any, *streams.TombstoneReq_Options_Any:
		return expectAny, nil
	case *streams.AppendReq_Options_StreamExists, *streams.DeleteReq_Options_StreamExists, *streams.TombstoneReq_Options_StreamExists:
		return expectExists, nil
	}
	return 0, errInvalid("the expected revision is missing")
}

// expectRevision takes 2^64-1 for no stream, as the .NET client writes it.
func expectRevision(revision uint64) (expectation, error) {
	if revision == wireEnd {
		return expectNoStream, nil
	}
	if revision > maxRevision {
		return 0, errInvalid("the expected revision is out of range")
	}
	return expectation(revision), nil
}

func (s *streamsAPI) position(ctx context.Context, w *write) (uint64, error) {
	o, err := s.node.write(ctx, w)
	switch {
	case err != nil:
		return 0, err
	case o.verdict == verdictDeleted:
		return 0, errStreamDeleted(w.stream)
	case o.verdict == verdictConflict:
		return 0, errWrongVersion(w.stream, w.expect, o.current)
	}
	return o.at.Position, nil
}
