// Package carrier carries events over the Socket.IO library, and works around what the library does wrong or slowly, so that
// socketio need not know of it. deploy/docs/socketio.md says what is worked around, and what each piece brings.
package carrier

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/zishang520/socket.io/parsers/socket/v3/parser"
	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"annals/transport/limits"
)

// Options for New; all are needed.
type Options struct {
	// Client returns the client of a request, as bounds tell clients apart.
	Client func(*http.Request) netip.Prefix
	// ConnectTime is the longest that any client may take to connect to the namespace.
	ConnectTime time.Duration
	// Opened is called for a new session before its client is heard, and reports whether it may stay.
	Opened func(*Session) bool
	// Connected is called when a client has connected to the namespace, before any event of it.
	Connected func(*Session, *socket.Socket)
	// Slow is called once for a session that is closed because its client does not read what is sent to it.
	Slow func(*Session)
	// Closed is called once for each session that might stay, when it has ended.
	Closed func(*Session)
}

// Server is the library with its sessions.
type Server struct {
	Options
	engine engine.Server
	// schedulers send what sessions are told over WebSockets.
	schedulers *writeSchedulers

	received *limits.Budget
	waiting  atomic.Int64 // what waits for all sessions, of each what is beyond freeWaiting

	mu       sync.Mutex
	sessions map[string]*Session
}

// New is a server without sessions.
func New(o Options) *Server {
	s := &Server{
		Options: o, schedulers: newWriteSchedulers(), sessions: map[string]*Session{},
		received: limits.NewBudget(maxReceivedInAll, maxReceivedOfClient, maxReceived),
	}
	settings := socket.DefaultServerOptions()
	settings.SetServeClient(false)
	settings.SetConnectTimeout(o.ConnectTime)
	settings.SetMaxHttpBufferSize(MaxPayload.Value)
	settings.SetHttpCompression(nil)
	settings.SetParser(textParser{parser.NewParser()})
	server := socket.NewServer(nil, settings)
	s.engine = server.ServeHandler(nil).(engine.Server)
	// A session's limits have to stand before its client says anything.
	_ = server.Engine().On("connection", func(args ...any) { s.opened(args[0].(engine.Socket)) })
	_ = server.On("connection", func(args ...any) { s.connected(args[0].(*socket.Socket)) })
	return s
}

// Session returns the session with an id, nil where there is none.
func (s *Server) Session(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// Serve hands a request to the library; session is nil for one that begins a session.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, session *Session) {
	same := *r
	same.Header = maps.Clone(r.Header)
	same.Header.Del("Origin") // the router has checked it
	if r.Method == http.MethodPost {
		body, status, problem := readPayload(w, r, session)
		if problem != "" {
			Refuse(w, status, BadRequest, problem)
			return
		}
		same.Body, same.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	// The library does not always answer a request of a session that ends.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if session != nil && !websocket.IsWebSocketUpgrade(r) {
		defer context.AfterFunc(session.alive, cancel)() //nolint:contextcheck // the session's end is what is waited for
	}
	answer := &responseWriter{
		ResponseWriter: w, control: http.NewResponseController(w), header: http.Header{}, ctx: ctx, listening: make(chan struct{}),
		scheduler: s.schedulers.one(),
	}
	if session != nil && !websocket.IsWebSocketUpgrade(r) {
		answer.listens()
	}
	if asked := same.WithContext(ctx); websocket.IsWebSocketUpgrade(r) {
		s.engine.ServeHTTP(answer, asked)
	} else {
		s.poll(answer, asked)
	}
	if session != nil && answer.line != nil && answer.line.open() {
		session.upgraded(answer.line) // before the client says that it will use it
	}
	answer.end()
}

// poll hands over a request of a client that polls. The library puts a poll away only after it has answered it, and with it any that
// came meanwhile: the client gets the last byte of the answer when that is done, so that it does not poll again before.
func (s *Server) poll(answer *responseWriter, r *http.Request) {
	answer.holdsBack = true
	asked, putAway := types.NewHttpContext(answer, r), make(chan struct{})
	_ = asked.Once("close", func(...any) { close(putAway) })
	s.engine.HandleRequest(asked)
	<-putAway
	answer.sendRest()
}

// opened notes a new session, before its client has said anything, and bounds what comes in over it and waits to go out.
func (s *Server) opened(e engine.Socket) {
	session := newSession(s, e, s.received.Join(s.Client(e.Request().Request())))
	answer, asked := e.Request().Response().(*responseWriter)
	s.mu.Lock()
	s.sessions[e.Id()] = session
	s.mu.Unlock()
	if !s.Opened(session) {
		s.forget(session)
		if asked {
			answer.listens() // or it would be answered when the request ends, which waits for that
		}
		go e.Close(true)
		return
	}
	_ = e.Once("close", func(...any) { s.closed(session) })
	session.bound()
	if asked {
		if answer.line != nil {
			session.upgraded(answer.line)
		}
		answer.listens()
	}
	if e.ReadyState() == "closed" { // before anybody listened
		s.closed(session)
	}
}

// connected is called by the library before any other event of the client.
func (s *Server) connected(client *socket.Socket) {
	session := s.Session(client.Conn().Id())
	if session == nil {
		client.Disconnect(true)
		return
	}
	session.socket.Store(client)
	defer session.greet.Do(func() { close(session.greeted) })
	s.Connected(session, client)
}

func (s *Server) closed(session *Session) {
	session.ended.Do(func() {
		s.forget(session)
		s.Closed(session)
	})
}

func (s *Server) forget(session *Session) {
	session.end()
	session.received.Leave()
	session.count()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.engine.Id())
}
