package embedded

import (
	"context"
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// failed is the answer to a batch that was not written. Clients go by the type of its detail.
func (b *batch) failed(err error) *streams.BatchAppendResp {
	var p *protocolError
	known := errors.As(err, &p)
	exception := ""
	if known && len(p.trailers) > 1 {
		exception = p.trailers[1]
	}
	switch {
	case exception == "stream-deleted":
		return b.error(codes.NotFound, err.Error(), &shared.StreamDeleted{StreamIdentifier: b.options.GetStreamIdentifier()})
	case exception == "maximum-append-size-exceeded":
		return b.error(codes.InvalidArgument, err.Error(), &shared.MaximumAppendSizeExceeded{MaxAppendSize: maxAppendBytes})
	case known && p.code == codes.InvalidArgument:
		return b.error(codes.InvalidArgument, err.Error(), &shared.BadRequest{Message: err.Error()})
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return b.error(codes.DeadlineExceeded, errTimeout.Error(), &shared.Timeout{})
	}
	return b.error(codes.Unknown, err.Error(), &shared.Unknown{})
}

func (b *batch) conflict(current int64) *streams.BatchAppendResp {
	w, none := &shared.WrongExpectedVersion{}, &emptypb.Empty{}
	if current < 0 {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: none}
	} else {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(current)}
	}
	switch b.expect {
	case expectAny:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: none}
	case expectExists:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: none}
	case expectNoStream:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: none}
	default:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: uint64(b.expect)}
	}
	return b.error(codes.AlreadyExists, "WrongExpectedVersion", w)
}

func (b *batch) error(code codes.Code, message string, detail proto.Message) *streams.BatchAppendResp {
	status := &rpc.Status{Code: int32(code), Message: message}
	if packed, err := anypb.New(detail); err == nil {
		status.Details = []*anypb.Any{packed}
	}
	resp := b.response()
	resp.Result = &streams.BatchAppendResp_Error{Error: status}
	return resp
}
