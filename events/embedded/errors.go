package embedded

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// protocolError is an error as EventStoreDB's clients expect it: a status, and trailers that name the exception.
type protocolError struct {
	code     codes.Code
	message  string
	trailers []string // key, value, …
}

func (e *protocolError) Error() string { return e.message }

// GRPCStatus lets grpc answer with the status of the error.
func (e *protocolError) GRPCStatus() *status.Status { return status.New(e.code, e.message) }

func errInvalid(message string) error {
	return &protocolError{code: codes.InvalidArgument, message: message}
}

func errStreamDeleted(stream string) error {
	return &protocolError{
		codes.FailedPrecondition, "stream " + strconv.Quote(stream) + " is deleted", // words that the Python client looks for
		[]string{"exception", "stream-deleted", "stream-name", stream},
	}
}

func errAccessDenied(message string) error {
	return &protocolError{codes.PermissionDenied, message, []string{"exception", "access-denied"}}
}

// errTimeout answers a write that was not on disk in time; whether it happened is not known.
var errTimeout error = &protocolError{code: codes.Aborted, message: "the write was not confirmed in time"}

func errWrongVersion(stream string, expected expectation, actual int64) error {
	e, a := strconv.FormatInt(int64(expected), 10), strconv.FormatInt(actual, 10)
	return &protocolError{
		// The Python client reads what it needs out of these words.
		codes.FailedPrecondition, "WrongExpectedVersion: stream " + strconv.Quote(stream) + ". Expected version: " + e + ". Actual version: " + a,
		[]string{"exception", "wrong-expected-version", "stream-name", stream, "expected-version", e, "actual-version", a},
	}
}

func errAppendTooBig() error {
	limit := strconv.Itoa(maxAppendBytes)
	return &protocolError{
		codes.InvalidArgument, "one append holds at most " + limit + " bytes of data",
		[]string{"exception", "maximum-append-size-exceeded", "maximum-append-size", limit},
	}
}

func errMissingMetadata(key string) error {
	return &protocolError{
		codes.InvalidArgument, "the event's metadata lack " + strconv.Quote(key),
		[]string{
			"exception", "missing-required-metadata-property",
			"required-metadata-properties", metadataType + "," + metadataContentType,
		},
	}
}

// toStatus gives every error that leaves the node its status and trailers.
func toStatus(err error) (metadata.MD, error) {
	var p *protocolError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &p):
		return trailers(p.trailers), p.GRPCStatus().Err()
	case errors.Is(err, io.EOF):
		return nil, status.Error(codes.InvalidArgument, "the call ended before it began with its options")
	case errors.Is(err, errStopped):
		return nil, status.Error(codes.Unavailable, err.Error())
	case errors.Is(err, errFull):
		return nil, status.Error(codes.ResourceExhausted, err.Error())
	case errors.As(err, &fatalStoreError{}):
		return nil, status.Error(codes.Unavailable, err.Error())
	case errors.Is(err, errCorrupt), errors.Is(err, pebble.ErrCorruption):
		return nil, status.Error(codes.DataLoss, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, status.FromContextError(err).Err()
	}
	if _, ok := status.FromError(err); ok {
		return nil, err
	}
	return nil, status.Error(codes.Internal, err.Error())
}

// trailers carry stream names, which grpc takes as they are only when they are printable ASCII.
func trailers(pairs []string) metadata.MD {
	md := metadata.MD{}
	for i := 0; i+1 < len(pairs); i += 2 {
		md.Set(pairs[i], printable(pairs[i+1]))
	}
	return md
}

func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b)
}

func unaryErrors(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	md, err := toStatus(err)
	if len(md) > 0 {
		if terr := grpc.SetTrailer(ctx, md); terr != nil {
			return nil, errors.Join(err, terr)
		}
	}
	return resp, err
}

func streamErrors(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	md, err := toStatus(next(srv, ss))
	if len(md) > 0 {
		ss.SetTrailer(md)
	}
	return err
}
