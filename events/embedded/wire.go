package embedded

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Keys of the metadata map that every event has on the wire.
const (
	metadataType        = "type"
	metadataContentType = "content-type"
	metadataCreated     = "created"

	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// maxRevision is the highest revision and position a client may name, besides 2^64-1 for the end.
const (
	maxRevision = uint64(1)<<63 - 1
	wireEnd     = ^uint64(0)
)

func streamName(id *shared.StreamIdentifier) (string, error) {
	if len(id.GetStreamName()) == 0 {
		return "", errInvalid("the stream's name is missing")
	}
	return string(id.GetStreamName()), nil
}

func parseUUID(id *shared.UUID) (uuid.UUID, error) {
	switch v := id.GetValue().(type) {
	case *shared.UUID_Structured_:
		var u uuid.UUID
		binary.BigEndian.PutUint64(u[:8], uint64(v.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(u[8:], uint64(v.Structured.GetLeastSignificantBits()))
		return u, nil
	case *shared.UUID_String_:
		u, err := uuid.Parse(v.String_)
		if err != nil {
			return uuid.Nil, errInvalid(fmt.Sprintf("%q is not a UUID", v.String_))
		}
		return u, nil
	}
	return uuid.Nil, errInvalid("a UUID is missing")
}

// wireUUID is an id in the form that the client asked for.
func wireUUID(id uuid.UUID, asString bool) *shared.UUID {
	if asString {
		return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// wireMetadata is the metadata map of a recorded event; clients die of a missing date.
func wireMetadata(r *record) map[string]string {
	content := contentBinary
	if r.JSON {
		content = contentJSON
	}
	return map[string]string{
		metadataType:        r.Type,
		metadataContentType: content,
		metadataCreated:     strconv.FormatInt(r.Created, 10),
	}
}

func wireRecord(r *record, stringIDs bool) *streams.ReadResp_ReadEvent_RecordedEvent {
	if r == nil {
		return nil
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id:               wireUUID(r.ID, stringIDs),
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.Stream)},
		StreamRevision:   uint64(r.Revision),
		PreparePosition:  r.Position,
		CommitPosition:   r.Position,
		Metadata:         wireMetadata(r),
		CustomMetadata:   r.Metadata,
		Data:             r.Data,
	}
}

// resolved is an event as it is delivered: through a link the target (nil when it is gone) and the link.
type resolved struct {
	event, link *record
}

// original is the record that was asked for: the link if there is one.
func (e resolved) original() *record {
	if e.link != nil {
		return e.link
	}
	return e.event
}

func wireEvent(e resolved, stringIDs bool) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event:    wireRecord(e.event, stringIDs),
		Link:     wireRecord(e.link, stringIDs),
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.original().Position},
	}}}
}

// wireCheckpoint and wireCaughtUp carry what newer servers say and newer clients want: the date, and up to where everything
// was delivered. The stubs do not know these fields, and older clients pass over them.
func wireCheckpoint(position uint64, now time.Time) *streams.ReadResp {
	m := &streams.ReadResp_Checkpoint{CommitPosition: position, PreparePosition: position}
	m.ProtoReflect().SetUnknown(appendMessage(nil, 3, timestamppb.New(now)))
	return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{Checkpoint: m}}
}

func wireCaughtUp(f *feed, now time.Time) *streams.ReadResp {
	fields := appendMessage(nil, 1, timestamppb.New(now))
	if f.stream == "" {
		fields = appendMessage(fields, 3, &streams.ReadReq_Options_Position{CommitPosition: f.position, PreparePosition: f.position})
	} else if f.revision >= 0 {
		fields = protowire.AppendVarint(protowire.AppendTag(fields, 2, protowire.VarintType), uint64(f.revision))
	}
	m := &streams.ReadResp_CaughtUp{}
	m.ProtoReflect().SetUnknown(fields)
	return &streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: m}}
}

func appendMessage(b []byte, field protowire.Number, m proto.Message) []byte {
	encoded, err := proto.Marshal(m)
	if err != nil {
		return b // of numbers alone: it cannot fail
	}
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), encoded)
}
