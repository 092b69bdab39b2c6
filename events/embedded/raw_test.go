package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw speaks to a node through the bare stubs, for what the official client does not do or hides.
type raw struct {
	streams.StreamsClient
	groups persistent.PersistentSubscriptionsClient
	conn   *grpc.ClientConn
	ctx    context.Context
}

func (n running) raw(t testing.TB) raw { return rawOver(t, n.socket) }

func rawOver(t testing.TB, socket string) raw {
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	return raw{
		streams.NewStreamsClient(conn), persistent.NewPersistentSubscriptionsClient(conn), conn, testContext(t),
	}
}

var none = &shared.Empty{}

// expect is an expected revision: -1 no stream, -2 any, -4 exists.
func appendOptions(stream string, expect int64) *streams.AppendReq_Options {
	o := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}}
	switch expect {
	case -1:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: none}
	case -2:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Any{Any: none}
	case -4:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{StreamExists: none}
	default:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(expect)}
	}
	return o
}

func stringID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

func proposed(id uuid.UUID, kind string, data []byte) *streams.AppendReq_ProposedMessage {
	return &streams.AppendReq_ProposedMessage{
		Id: stringID(id), Data: data,
		Metadata: map[string]string{"type": kind, "content-type": "application/json"},
	}
}

func (r raw) send(t testing.TB, o *streams.AppendReq_Options, messages ...*streams.AppendReq_ProposedMessage) (*streams.AppendResp, metadata.MD, error) {
	t.Helper()
	call, err := r.Append(r.ctx)
	must(t, err)
	err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: o}})
	for _, m := range messages {
		if err == nil {
			err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}})
		}
	}
	holds(t, err == nil || errors.Is(err, io.EOF), fmt.Sprint("send: ", err))
	resp, err := call.CloseAndRecv()
	return resp, call.Trailer(), err
}

// outcome of an append in short: "REVISION@POSITION", "conflict CURRENT" or the exception of an error.
func (r raw) outcome(t testing.TB, stream string, expect int64, ids ...uuid.UUID) string {
	t.Helper()
	var messages []*streams.AppendReq_ProposedMessage
	for _, id := range ids {
		messages = append(messages, proposed(id, "T", []byte("{}")))
	}
	resp, trailer, err := r.send(t, appendOptions(stream, expect), messages...)
	if err != nil {
		return fmt.Sprint(trailer.Get("exception"))
	}
	if w := resp.GetWrongExpectedVersion(); w != nil {
		if w.GetCurrentNoStream() != nil {
			return "conflict none"
		}
		return fmt.Sprint("conflict ", w.GetCurrentRevision())
	}
	s := resp.GetSuccess()
	holds(t, s.GetPosition().GetCommitPosition() == s.GetPosition().GetPreparePosition(), "commit is not prepare")
	if s.GetNoStream() != nil {
		return "none"
	}
	return fmt.Sprintf("%d@%d", s.GetCurrentRevision(), s.GetPosition().GetCommitPosition())
}

func (r raw) readOptions(change func(*streams.ReadReq_Options)) *streams.ReadReq {
	o := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: none},
		}},
		CountOption: &streams.ReadReq_Options_Count{Count: 1 << 40},
	}
	change(o)
	return &streams.ReadReq{Options: o}
}

func fromStart(stream string) *streams.ReadReq_Options_Stream {
	return &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: none},
	}}
}

// read collects every message of a read until it ends.
func (r raw) read(t testing.TB, change func(*streams.ReadReq_Options)) ([]*streams.ReadResp, metadata.MD, error) {
	t.Helper()
	call, err := r.Read(r.ctx, r.readOptions(change))
	must(t, err)
	var all []*streams.ReadResp
	for {
		resp, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return all, call.Trailer(), nil
		}
		if err != nil {
			return all, call.Trailer(), err
		}
		all = append(all, resp)
	}
}

func wantCode(t testing.TB, err error, code codes.Code) {
	t.Helper()
	equal(t, status.Code(err).String(), code.String())
}
