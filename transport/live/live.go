// Package live pushes what was projected to WebSocket subscribers, with the position of each fact, so that whoever comes
// back says where he was and misses nothing.
package live

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/olahol/melody"

	"annals/events"
)

const (
	maxMessage  = 64 << 10
	maxSessions = 10_000
	// buffered frames a slow client may be behind before it is closed, to come back by position.
	buffered = 256
	// heartbeat moves the position of a client whose filter lets nothing pass.
	heartbeat = 10 * time.Second
	writeWait = 10 * time.Second
	// inFlight bounds the frames of a replay that wait in a client's buffer.
	inFlight  = 16
	windowKey = "window"
	// chunk bounds the facts in one frame of a replay.
	chunk = 200
)

// Hub is the WebSocket endpoint. Publish feeds it with what was committed.
type Hub struct {
	log    uuid.UUID
	store  events.Store
	logger *slog.Logger
	melody *melody.Melody

	ctx    context.Context //nolint:containedctx // ends the replays when the hub closes
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu          sync.Mutex
	begun       bool
	position    events.Position // everything up to here was published
	subscribers map[*melody.Session]*subscriber
}

// Options for New.
type Options struct {
	Log   uuid.UUID
	Store events.Store
	// Origin tells whether a browser's page may connect.
	Origin func(*http.Request) bool
	Logger *slog.Logger
}

// subscriber is one connection. Its fields are guarded by the hub's lock.
type subscriber struct {
	filter *Filter // nil while nothing is subscribed
	key    string  // equal for equal filters
	live   bool    // false while a replay is under way
	seen   events.Position
	stop   context.CancelFunc // ends the replay
}

// New is a hub without subscribers.
func New(o Options) *Hub {
	h := &Hub{
		log: o.Log, store: o.Store, logger: o.Logger, melody: melody.New(),
		subscribers: map[*melody.Session]*subscriber{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.melody.Config.MaxMessageSize = maxMessage
	h.melody.Config.MessageBufferSize = buffered
	h.melody.Config.WriteWait = writeWait
	h.melody.Upgrader.CheckOrigin = o.Origin
	h.melody.HandleConnect(h.connected)
	h.melody.HandleDisconnect(h.disconnected)
	h.melody.HandleMessage(h.received)
	h.melody.HandleSentMessage(h.sent)
	h.melody.HandleError(h.failed)
	h.work.Go(h.beat)
	return h
}

// ServeHTTP upgrades the connection and returns when it ends.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.melody.Len() >= maxSessions {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	if err := h.melody.HandleRequest(w, r); err != nil {
		h.logger.DebugContext(r.Context(), "websocket not opened", "error", err)
	}
}

// Close ends every connection, telling each the position to resume from.
func (h *Hub) Close() error {
	h.cancel()
	h.mu.Lock()
	reason := h.token(h.position)
	h.mu.Unlock()
	err := h.melody.CloseWithMsg(melody.FormatCloseMessage(1001, "stopping; resume after "+reason))
	h.work.Wait()
	if errors.Is(err, melody.ErrClosed) {
		return nil
	}
	return err
}

// Begin says that everything up to the position can be read, by an earlier life of this server perhaps. Subscribers wait
// for it: before, nobody knows how far what they missed goes.
func (h *Hub) Begin(position events.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = true
	h.position = max(h.position, position)
	for session, sub := range h.subscribers {
		if sub.filter != nil {
			h.attach(session, sub, *sub.filter)
		}
	}
}

// Publish tells the subscribers what has become readable. Batches come in order; what was published before is skipped.
func (h *Hub) Publish(batch []events.Recorded, upTo events.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if upTo <= h.position {
		return
	}
	fresh := since(batch, h.position)
	h.position = upTo
	if len(fresh) == 0 {
		return
	}
	encoded := map[string][]byte{}
	for session, sub := range h.subscribers {
		switch {
		case sub.filter == nil || !sub.live:
		case sub.seen >= fresh[0].Position: // it resumed from a position that only now is published
			h.push(session, sub, h.batch(since(fresh, sub.seen), *sub.filter, upTo), upTo)
		default:
			text, ok := encoded[sub.key]
			if !ok {
				text = h.batch(fresh, *sub.filter, upTo)
				encoded[sub.key] = text
			}
			h.push(session, sub, text, upTo)
		}
	}
}

// push sends a frame, if there is one. A full buffer or a closed session comes back through failed.
func (h *Hub) push(s *melody.Session, sub *subscriber, text []byte, upTo events.Position) {
	if text != nil {
		sub.seen = max(sub.seen, upTo)
		_ = s.Write(text)
	}
}

// since leaves out the events up to a position.
func since(list []events.Recorded, p events.Position) []events.Recorded {
	i, _ := slices.BinarySearchFunc(list, p+1, func(e events.Recorded, p events.Position) int { return cmp.Compare(e.Position, p) })
	return list[i:]
}

// batch is the frame with the events that fit, nil where none does.
func (h *Hub) batch(list []events.Recorded, f Filter, upTo events.Position) []byte {
	facts := make([]fact, 0, len(list))
	for _, e := range list {
		if f.fits(e) {
			facts = append(facts, fact{
				Position: h.token(e.Position), Type: e.Event.EventType(), Stream: e.Stream,
				At: e.Meta.At, Actor: e.Meta.Actor, Data: public(e.Event),
			})
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return h.encode(frame{Position: h.token(upTo), Events: &facts})
}

func (h *Hub) encode(f frame) []byte {
	text, err := json.Marshal(f)
	if err != nil { // an event that the codec accepted can be encoded
		h.logger.Error("a frame could not be encoded", "error", err)
		return nil
	}
	return text
}

func (h *Hub) token(p events.Position) string { return events.Token{Log: h.log, Position: p}.String() }

// beat sends an empty batch to whoever has heard nothing for a while.
func (h *Hub) beat() {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
		h.mu.Lock()
		text := h.encode(frame{Position: h.token(h.position), Events: &[]fact{}})
		for session, sub := range h.subscribers {
			if sub.filter != nil && sub.live && sub.seen < h.position {
				sub.seen = h.position
				_ = session.Write(text)
			}
		}
		h.mu.Unlock()
	}
}

func (h *Hub) connected(s *melody.Session) {
	s.Set(windowKey, make(chan struct{}, inFlight))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[s] = &subscriber{}
}

func (h *Hub) disconnected(s *melody.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sub := h.subscribers[s]; sub != nil && sub.stop != nil {
		sub.stop()
	}
	delete(h.subscribers, s)
}

// failed closes a client that cannot keep up. It runs while Publish holds the lock, so the closing is left to others.
func (h *Hub) failed(s *melody.Session, err error) {
	if !errors.Is(err, melody.ErrMessageBufferFull) {
		return
	}
	go func() {
		_ = s.WebsocketConnection().Close() // its buffer has no room for a farewell: the last frame says the position
		h.logger.Info("a websocket client could not keep up and was closed", "remote", s.RemoteAddr().String())
	}()
}

func refuse(code, format string, args ...any) frame {
	return frame{Error: &refusal{Code: code, Message: fmt.Sprintf(format, args...)}}
}
