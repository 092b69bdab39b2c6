package esdb

import (
	"errors"
	"fmt"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"annals/events"
)

var (
	// errMissing: there is no such stream or group.
	errMissing = errors.New("there is no such thing in the store")
	// errExists: there is such a group already.
	errExists = errors.New("it is in the store already")
)

// classify tells what an error of the client means for us: which ones are worth repeating (events.ErrUnavailable), and
// which of these mean that the client is of no more use (errLost). The client names few codes, gRPC's tell the rest.
func classify(err error) error {
	var e *esdb.Error
	if err == nil {
		return nil
	}
	if errors.As(err, &e) {
		switch e.Code() {
		case esdb.ErrorCodeWrongExpectedVersion:
			return fmt.Errorf("%w: %w", events.ErrConflict, err)
		case esdb.ErrorCodeResourceNotFound:
			return fmt.Errorf("%w: %w", errMissing, err)
		case esdb.ErrorCodeResourceAlreadyExists:
			return fmt.Errorf("%w: %w", errExists, err)
		case esdb.ErrorCodeConnectionClosed, esdb.ErrorUnavailable:
			return fmt.Errorf("%w: %w: %w", events.ErrUnavailable, errLost, err)
		case esdb.ErrorCodeNotLeader: // the client turns to the leader by itself
			return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
		}
	}
	if errors.Is(err, io.EOF) { // a request was cut off; why is not told
		return fmt.Errorf("%w: %w: %w", events.ErrUnavailable, errLost, err)
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled:
		return fmt.Errorf("%w: %w: %w", events.ErrUnavailable, errLost, err)
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", events.ErrFull, err)
	case codes.DeadlineExceeded, codes.Aborted, codes.Internal:
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	return fmt.Errorf("the event store refused: %w", err)
}
