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
	return &protocolError{
		codes.FailedPrecondition, "Maximum subscriptions reached for " + stream + "::" + group, // words that the Python client looks for
		[]string{"exception", "maximum-subscribers-reached", "stream-name", stream, "group-name", group},
	}
}

func errGroupDropped(stream, group string) error {
	return groupError(codes.Canceled, "persistent-subscription-dropped", stream, group, "was changed or restarted: connect again")
}
