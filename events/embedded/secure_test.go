package embedded_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crypto "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"annals/events/embedded"
)

// selfSigned is a certificate for the loopback address.
func selfSigned(t testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crypto.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(crypto.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// connect opens a client by its connection string.
func connect(t testing.TB, url string) *esdb.Client {
	config, err := esdb.ParseConnectionString(url)
	must(t, err)
	config.Logger = func(esdb.LogLevel, string, ...any) {}
	client, err := esdb.NewClient(config)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

func listenTCP(t testing.TB, n running) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- n.Serve(l) }()
	t.Cleanup(func() {
		closeNode(t, n.Node)
		must(t, <-served)
	})
	return l.Addr().String()
}

func TestASecureNodeWantsTheRightPassword(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{TLS: selfSigned(t), Users: map[string]string{"admin": "secret"}})
	address := listenTCP(t, n)
	for login, want := range map[string]esdb.ErrorCode{
		"admin:secret@": -1, "admin:wrong@": esdb.ErrorCodeUnauthenticated, "nobody:wrong@": esdb.ErrorCodeUnauthenticated,
		"": esdb.ErrorCodeAccessDenied,
	} {
		client := connect(t, fmt.Sprintf("esdb://%s%s?tlsverifycert=false", login, address))
		if want < 0 {
			_, err := client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, named("T", 1)...)
			must(t, err)
			continue
		}
		// A refused append may show up in the client as a broken stream instead: reading has no such race.
		stream, err := client.ReadStream(testContext(t), "s", esdb.ReadStreamOptions{}, 1)
		if err == nil {
			_, err = stream.Recv()
			stream.Close()
		}
		e, _ := esdb.FromError(err)
		equal(t, e.Code(), want)
	}
}

func TestGossipLeadsADiscoveringClientToTheNode(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	address := listenTCP(t, n)
	client := connect(t, fmt.Sprintf("esdb+discover://%s?tls=false", address))
	_, err := client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, named("T", 1)...)
	must(t, err)
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1) // two listeners, one log
}

func TestWithoutTLSCredentialsAreIgnored(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	_, err := n.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{
		Authenticated: &esdb.Credentials{Login: "nobody", Password: "wrong"},
	}, named("T", 1)...)
	must(t, err)
}

func TestOnlyWhatIsThereIsAdvertisedAndInLowerCase(t *testing.T) {
	t.Parallel()
	r := startNode(t, embedded.Options{}).raw(t)
	got, err := serverfeatures.NewServerFeaturesClient(r.conn).GetSupportedMethods(context.Background(), none)
	must(t, err)
	equal(t, got.GetEventStoreServerVersion(), "24.10.0")
	methods := map[string][]string{}
	for _, m := range got.GetMethods() {
		methods[m.GetServiceName()+"/"+m.GetMethodName()] = m.GetFeatures()
	}
	const groups = "event_store.client.persistent_subscriptions.persistentsubscriptions/"
	equal(t, methods["event_store.client.streams.streams/read"], []string{"position", "events"})
	for _, m := range []string{"create", "update", "delete", "read", "getinfo", "list", "replayparked", "restartsubsystem"} {
		equal(t, methods[groups+m], []string{"stream", "all"})
	}
}

// dialTLS connects the bare stubs, whatever the certificate.
func dialTLS(t testing.TB, address string) *grpc.ClientConn {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // made for this test
	})))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	return conn
}
