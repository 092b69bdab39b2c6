package embedded

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// Delete implements streams.StreamsServer: the stream is hidden, and begins again with the next append.
func (s *streamsAPI) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	name, err := streamName(req.GetOptions().GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	expect, err := expectationOf(req.GetOptions().GetExpectedStreamRevision())
	if err != nil {
		return nil, err
	}
	position, err := s.position(ctx, &write{kind: kindDelete, stream: name, expect: expect})
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

// Tombstone implements streams.StreamsServer: nothing is ever written to the stream again.
func (s *streamsAPI) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	name, err := streamName(req.GetOptions().GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	expect, err := expectationOf(req.GetOptions().GetExpectedStreamRevision())
	if err != nil {
		return nil, err
	}
	position, err := s.position(ctx, &write{kind: kindTombstone, stream: name, expect: expect})
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}
