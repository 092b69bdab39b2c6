package socketio

import (
	"time"

	"annals/transport/limits"
)

// What clients of /socket.io may take up. A session is identified once its client has shown the key, or where there is no key
// and it comes from this machine.
var (
	maxConnections = limits.Declare(limits.Bound{
		Name: "socketio.sessions", What: "sessions that are identified", Per: limits.Server, Value: 10_000, Unit: limits.Count,
		Answer: "503 with Retry-After to one more that shows its key in the request",
	})
	maxStrangers = limits.Declare(limits.Bound{
		Name: "socketio.unidentified.server", What: "sessions that are not identified", Per: limits.Server, Value: 4096, Unit: limits.Count,
		Answer: "the oldest of the address that has most is closed",
	})
	maxStrangersOfClient = limits.Declare(limits.Bound{
		Name: "socketio.unidentified.client", What: "sessions that are not identified", Per: limits.Client, Value: 1024, Unit: limits.Count,
		Answer: "the oldest of them is closed",
	})
	connectTime = limits.Declare(limits.Bound{
		Name: "socketio.connect", What: "connecting to the namespace, with the key where one is set", Per: limits.Connection,
		Value: int64(20 * time.Second), Unit: limits.Time, Answer: "the session is closed",
	})
	_ = limits.Declare(limits.Bound{
		Name: "socketio.rooms", What: "channels that a client has joined", Per: limits.Connection, Value: maxRooms, Unit: limits.Count,
		Answer: "an error messageError",
	})
	_ = limits.Declare(limits.Bound{
		Name: "socketio.sending", What: "messages of a client that cannot be read yet", Per: limits.Connection, Value: maxSending, Unit: limits.Count,
		Answer: "an error messageError",
	})
)
