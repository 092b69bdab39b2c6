package embedded

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	transport "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// door admits connections. Those over TCP speak TLS if the node is secure; those over a unix socket never do, since the
// permissions of its file say who may come. What does not begin as HTTP/2 is let in to the health page instead of gRPC.
type door struct {
	transport.TransportCredentials // what is not about admitting
	tls                            *tls.Config
	page                           *http.Server
	visits                         *visits
	open                           context.Context //nolint:containedctx // ends when the door is shut
	shut                           context.CancelFunc
}

const (
	// preface is how every HTTP/2 connection begins, and no other.
	preface = "PRI"
	// knock bounds how long a connection may take to say what it speaks.
	knock = 10 * time.Second
)

func newDoor(n *Node, secure *tls.Config) *door {
	d := &door{TransportCredentials: insecure.NewCredentials(), visits: newVisits()}
	d.open, d.shut = context.WithCancel(context.Background())
	if secure != nil {
		d.tls = secure.Clone()
		d.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /health/live", n.live)
	pages.HandleFunc("GET /health", n.health)
	pages.HandleFunc("GET /ping", ping)
	d.page = &http.Server{Handler: pages, ReadTimeout: knock, WriteTimeout: knock}
	return d
}

// health answers whether the node takes writes now: 204 if so. A full disk is no reason to restart it: see live.
func (n *Node) health(w http.ResponseWriter, r *http.Request) {
	if _, err := n.write(r.Context(), &write{kind: kindKeys}); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// live answers whether the node can write without being restarted, as EventStoreDB does: 204 if so.
func (n *Node) live(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-n.Failed():
		http.Error(w, "the log cannot be written: restart the node", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// ping answers what clients that look for a server's HTTP expect of EventStoreDB.
func ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, `{"msgTypeId":0,"text":"Ping request successfully handled"}`) // who has left does not want it
}

// ServerHandshake implements credentials.TransportCredentials. grpc bounds how long it may take.
func (d *door) ServerHandshake(c net.Conn) (net.Conn, transport.AuthInfo, error) {
	shut := context.AfterFunc(d.open, func() { _ = c.Close() })
	defer shut()
	if d.tls != nil && c.LocalAddr().Network() != "unix" {
		c = tls.Server(c, d.tls)
	}
	begin := make([]byte, len(preface))
	if _, err := io.ReadFull(c, begin); err != nil {
		return nil, nil, io.EOF // grpc passes over that: somebody only looked whether the port is open
	}
	begun := &begunConn{Conn: c, begin: bytes.NewReader(begin)}
	if string(begin) == preface {
		return begun, nil, nil
	}
	if !d.visits.add(begun) {
		return nil, nil, io.EOF
	}
	return nil, nil, transport.ErrConnDispatched
}

// serve answers the health page until close.
func (d *door) serve() { _ = d.page.Serve(d.visits) }

// close lets nobody in any more.
func (d *door) close(ctx context.Context) error {
	d.shut()
	return d.page.Shutdown(ctx)
}

// begunConn gives back what was read to find out what is spoken.
type begunConn struct {
	net.Conn
	begin *bytes.Reader
}

func (c *begunConn) Read(b []byte) (int, error) {
	if c.begin.Len() > 0 {
		return c.begin.Read(b)
	}
	return c.Conn.Read(b)
}

// visits is the listener of the health page: connections that the door has found not to speak gRPC.
type visits struct {
	next   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newVisits() *visits { return &visits{next: make(chan net.Conn), closed: make(chan struct{})} }

func (v *visits) add(c net.Conn) bool {
	select {
	case v.next <- c:
		return true
	case <-v.closed:
		return false
	}
}

// Accept implements net.Listener.
func (v *visits) Accept() (net.Conn, error) {
	select {
	case c := <-v.next:
		return c, nil
	case <-v.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (v *visits) Close() error {
	v.once.Do(func() { close(v.closed) })
	return nil
}

// Addr implements net.Listener.
func (*visits) Addr() net.Addr { return &net.UnixAddr{Name: "health", Net: "unix"} }
