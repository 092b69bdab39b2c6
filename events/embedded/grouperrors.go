package embedded

import (
	"fmt"

	"google.golang.org/grpc/codes"
)

func groupError(code codes.Code, exception, stream, group, message string, more ...string) error {
	return &protocolError{
		code, fmt.Sprintf("persistent subscription %s::%s %s", stream, group, message),
		append([]string{"exception", exception, "stream-name", stream, "group-name", group}, more...),
	}
}

func errGroupExists(stream, group string) error {
	return groupError(codes.AlreadyExists, "persistent-subscription-exists", stream, group, "exists already")
}

func errGroupMissing(stream, group string) error {
	return groupError(codes.NotFound, "persistent-subscription-does-not-exist", stream, group, "does not exist")
}

func errGroupFailed(stream, group, reason string) error {
	return groupError(codes.Internal, "persistent-subscription-failed", stream, group, "is not possible: "+reason, "reason", reason)
}

func errGroupFull(stream, group string) error {
	return groupError(codes.FailedPrecondition, "maximum-subscribers-reached", stream, group, "has as many subscribers as it may have")
}

func errGroupDropped(stream, group string) error {
	return groupError(codes.Canceled, "persistent-subscription-dropped", stream, group, "was changed or restarted: connect again")
}
