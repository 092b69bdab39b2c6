package carrier

import (
	"time"

	"annals/transport/limits"
)

// What a session may take up of the transport.
var (
	MaxPayload = limits.Declare(limits.Bound{
		Name: "socketio.payload", What: "a request's body, or a message over a WebSocket", Per: limits.Message, Value: 1_000_000, Unit: limits.Bytes,
		Answer: "413, or the WebSocket is closed with 1009",
	})
	MaxPackets = limits.Declare(limits.Bound{
		Name: "socketio.packets", What: "packets in a request's body", Per: limits.Message, Value: 1024, Unit: limits.Count, Answer: "413",
	})
	MaxStrangerBytes = limits.Declare(limits.Bound{
		Name: "socketio.unidentified.bytes", What: "what a session may send before it is identified", Per: limits.Connection, Value: 16 << 10,
		Unit: limits.Bytes, Answer: "413, or the WebSocket is closed",
	})
	bodyTime = limits.Declare(limits.Bound{
		Name: "socketio.body", What: "sending a request's body", Per: limits.Request, Value: int64(20 * time.Second), Unit: limits.Time, Answer: "408",
	})
	writeTime = limits.Declare(limits.Bound{
		Name: "socketio.write", What: "reading what was written to it", Per: limits.Connection, Value: int64(10 * time.Second), Unit: limits.Time,
		Answer: "the session is closed; it comes back and lists what it missed",
	})
	maxReceived = limits.Declare(limits.Bound{
		Name: "socketio.received.connection", What: "messages that are not dealt with yet, of more than 16 KiB each", Per: limits.Connection, Value: 2 << 20,
		Unit: limits.Bytes, Answer: "no more is read from the client until there is room",
	})
	maxReceivedOfClient = limits.Declare(limits.Bound{
		Name: "socketio.received.client", What: "messages that are not dealt with yet, of more than 16 KiB each", Per: limits.Client, Value: 4 << 20,
		Unit: limits.Bytes, Answer: "no more is read from the client until there is room",
	})
	// What JSON becomes in memory may be ten times as large.
	maxReceivedInAll = limits.Declare(limits.Bound{
		Name: "socketio.received.server", What: "messages that are not dealt with yet, of more than 16 KiB each", Per: limits.Server, Value: 8 << 20,
		Unit: limits.Bytes, Answer: "no more is read from the client until there is room",
	})
	maxWaiting = limits.Declare(limits.Bound{
		Name: "socketio.waiting", What: "what waits for a client that does not read", Per: limits.Connection, Value: 8 << 20, Unit: limits.Bytes,
		Answer: "the session is closed; it comes back and lists what it missed",
	})
	maxWaitingInAll = limits.Declare(limits.Bound{
		Name: "socketio.waiting.server", What: "what waits for clients that do not read, of each what is beyond 64 KiB", Per: limits.Server,
		Value: 96 << 20, Unit: limits.Bytes, Answer: "the session for which most waits is closed; it comes back and lists what it missed",
	})
)
