package embedded_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// rawLog is what a node is measured against: appends over the same protocol into one file, synced in groups, with neither
// index nor decision nor anything to read.
type rawLog struct {
	streams.UnimplementedStreamsServer
	file *os.File
	in   chan rawAppend
}

type rawAppend struct {
	data []byte
	done chan error
}

// startRawLog gives a client of a raw log on a unix socket.
func startRawLog(b *testing.B) *esdb.Client {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	must(b, err)
	l := &rawLog{file: file, in: make(chan rawAppend, 1024)}
	server := grpc.NewServer()
	streams.RegisterStreamsServer(server, l)
	serverfeatures.RegisterServerFeaturesServer(server, serverfeatures.UnimplementedServerFeaturesServer{})
	socket := socketPath(b)
	listener, err := net.Listen("unix", socket)
	must(b, err)
	stopped := make(chan error, 2)
	go func() { stopped <- server.Serve(listener) }()
	go func() { stopped <- l.run() }()
	client := dial(b, socket)
	b.Cleanup(func() {
		must(b, client.Close())
		server.Stop()
		close(l.in)
		must(b, errors.Join(<-stopped, <-stopped))
		must(b, file.Close())
	})
	return client
}

// run writes all that has come since the last sync, and syncs.
func (l *rawLog) run() error {
	w := bufio.NewWriterSize(l.file, 4<<20)
	for a := range l.in {
		group := []rawAppend{a}
		for more := true; more && len(group) < 1024; {
			select {
			case a, more = <-l.in:
				if more {
					group = append(group, a)
				}
			default:
				more = false
			}
		}
		var err error
		for _, a := range group {
			_, writeErr := w.Write(a.data)
			err = errors.Join(err, writeErr)
		}
		err = errors.Join(err, w.Flush(), l.file.Sync())
		for _, a := range group {
			a.done <- err
		}
	}
	return nil
}

// Append implements streams.StreamsServer.
func (l *rawLog) Append(call streams.Streams_AppendServer) error {
	a := rawAppend{done: make(chan error, 1)}
	for {
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if a.data, err = (proto.MarshalOptions{}).MarshalAppend(a.data, req); err != nil {
			return err
		}
	}
	l.in <- a
	if err := <-a.done; err != nil {
		return err
	}
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{},
		PositionOption:        &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{}},
	}}})
}
