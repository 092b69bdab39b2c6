package embedded

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

var errUnauthenticated error = &protocolError{code: codes.Unauthenticated, message: "login and password do not match"}

// credentials takes login and password from basic authentication; ok is false when the call brings none of any kind.
func credentials(ctx context.Context) (login, password string, ok bool) {
	headers := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(headers) == 0 {
		return "", "", false
	}
	scheme, encoded, _ := strings.Cut(headers[0], " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.EqualFold(scheme, "basic") {
		return "", "", true
	}
	login, password, _ = strings.Cut(string(decoded), ":")
	return login, password, true
}

// login is who calls, by what the call claims.
func login(ctx context.Context) string {
	if user, _, _ := credentials(ctx); user != "" {
		return user
	}
	return "anonymous"
}

// users are the logins of a secure node with their passwords.
type users map[string]string

// local tells whether a call came over a unix socket.
func local(ctx context.Context) bool {
	p, ok := peer.FromContext(ctx)
	return ok && p.LocalAddr != nil && p.LocalAddr.Network() == "unix"
}

// admit refuses calls over TCP whose credentials are wrong, and differently calls without any: who is nobody has no access,
// as in EventStoreDB since 23.6.
func (u users) admit(ctx context.Context) error {
	if local(ctx) {
		return nil
	}
	user, password, ok := credentials(ctx)
	if !ok {
		return errAccessDenied("this node wants a login and a password")
	}
	want, known := u[user]
	given, expected := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(given[:], expected[:]) != 1 || !known {
		return errUnauthenticated
	}
	return nil
}

func (u users) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if !open(info.FullMethod) {
		if err := u.admit(ctx); err != nil {
			return nil, err
		}
	}
	return next(ctx, req)
}

func (u users) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := u.admit(ss.Context()); err != nil {
		return err
	}
	return next(srv, ss)
}

// open methods are called by clients before they authenticate.
func open(method string) bool {
	return strings.HasPrefix(method, "/event_store.client.server_features.") || strings.HasPrefix(method, "/event_store.client.gossip.")
}
