package live

import (
	"time"

	"annals/transport/limits"
)

// What clients of /ws may take up.
var (
	maxConnections = limits.Declare(limits.Bound{
		Name: "ws.connections", What: "WebSocket connections", Per: limits.Server, Value: 10_000, Unit: limits.Count,
		Answer: "429 RATE_LIMITED with Retry-After",
	})
	maxSubscriptions = limits.Declare(limits.Bound{
		Name: "ws.subscriptions", What: "subscriptions", Per: limits.Connection, Value: 32, Unit: limits.Count,
		Answer: "an error RATE_LIMITED; the connection stays open",
	})
	maxFilters = limits.Declare(limits.Bound{
		Name: "ws.filters", What: "the messages that its subscriptions were made by", Per: limits.Connection, Value: 256 << 10, Unit: limits.Bytes,
		Answer: "an error RATE_LIMITED; the connection stays open",
	})
	maxMessage = limits.Declare(limits.Bound{
		Name: "ws.message", What: "a message from a client", Per: limits.Message, Value: 64 << 10, Unit: limits.Bytes,
		Answer: "closed with 1009",
	})
	maxQueued = limits.Declare(limits.Bound{
		Name: "ws.queue.connection", What: "live frames that the client has not read", Per: limits.Connection, Value: 4 << 20, Unit: limits.Bytes,
		Answer: tooSlow,
	})
	maxQueuedFrames = limits.Declare(limits.Bound{
		Name: "ws.queue.frames", What: "live frames that the client has not read", Per: limits.Connection, Value: 256, Unit: limits.Count,
		Answer: tooSlow,
	})
	maxQueuedInAll = limits.Declare(limits.Bound{
		Name: "ws.queue.server", What: "live frames that clients have not read, each counted once however many it is for", Per: limits.Server,
		Value: 64 << 20, Unit: limits.Bytes, Answer: "the connection that is furthest behind is broken off; it resumes after the last position it has read",
	})
	maxReplay = limits.Declare(limits.Bound{
		Name: "ws.replay.connection", What: "events that are replayed to it and not read yet", Per: limits.Connection, Value: 4 << 20, Unit: limits.Bytes,
		Answer: "the replay waits for the client",
	})
	maxReplayOfClient = limits.Declare(limits.Bound{
		Name: "ws.replay.client", What: "events that are replayed to its connections and not read yet", Per: limits.Client, Value: 32 << 20, Unit: limits.Bytes,
		Answer: "the replay waits for the client's other connections",
	})
	maxReplayInAll = limits.Declare(limits.Bound{
		Name: "ws.replay.server", What: "events that are being replayed and not read yet", Per: limits.Server, Value: 96 << 20, Unit: limits.Bytes,
		Answer: "the replay waits for others",
	})
	maxRecent = limits.Declare(limits.Bound{
		Name: "ws.recent", What: "events kept for replays to share", Per: limits.Server, Value: 16 << 20, Unit: limits.Bytes,
		Answer: "none: older events are read from the log",
	})
	maxReaders = limits.Declare(limits.Bound{
		Name: "ws.readers", What: "reads of the log for subscriptions, on each processor", Per: limits.Server, Value: 1, Unit: limits.Count,
		Answer: "the subscription waits for a read to end",
	})
	writeTime = limits.Declare(limits.Bound{
		Name: "ws.write", What: "sending one frame", Per: limits.Connection, Value: int64(10 * time.Second), Unit: limits.Time,
		Answer: "the connection is broken off; the client resumes after the last position it has read",
	})
	replayTime = limits.Declare(limits.Bound{
		Name: "ws.replay.time", What: "reading what was replayed to it, before more is", Per: limits.Connection, Value: int64(30 * time.Second),
		Unit: limits.Time, Answer: tooSlow,
	})
)

// tooSlow is the answer to a client that cannot keep up.
const tooSlow = `closed with 1013 "too slow; resume after <position>"`
