package httpserver

import (
	"time"

	"annals/transport/limits"
)

// What connections may take up.
var (
	maxConnections = limits.Declare(limits.Bound{
		Name: "http.connections", What: "connections, or half of the file descriptors that the process may have where that is less",
		Per: limits.Server, Value: 32_768, Unit: limits.Count,
		Answer: "the oldest that waits for a request is closed, or else the new one is answered 503 with Retry-After",
	})
	maxNew = limits.Declare(limits.Bound{
		Name: "http.unfinished.server", What: "connections that have not finished their first request head", Per: limits.Server, Value: 4096,
		Unit: limits.Count, Answer: "the oldest of the address that has most is closed",
	})
	maxNewOfClient = limits.Declare(limits.Bound{
		Name: "http.unfinished.client", What: "connections that have not finished their first request head", Per: limits.Client, Value: 1024,
		Unit: limits.Count, Answer: "the oldest of them is closed",
	})
	maxIdle = limits.Declare(limits.Bound{
		Name: "http.idle.server", What: "connections between two requests", Per: limits.Server, Value: 8192, Unit: limits.Count,
		Answer: "the oldest of the address that has most is closed",
	})
	maxIdleOfClient = limits.Declare(limits.Bound{
		Name: "http.idle.client", What: "connections between two requests", Per: limits.Client, Value: 2048, Unit: limits.Count,
		Answer: "the oldest of them is closed",
	})
	maxHead = limits.Declare(limits.Bound{
		Name: "http.head", What: "a request's head, while it is read", Per: limits.Request, Value: 64 << 10, Unit: limits.Bytes,
		Answer: "414 where the address alone is longer, otherwise 431",
	})
	maxLines = limits.Declare(limits.Bound{
		Name: "http.head.lines", What: "lines of a request's head", Per: limits.Request, Value: 256, Unit: limits.Count, Answer: "431",
	})
	maxHeadsOfClient = limits.Declare(limits.Bound{
		Name: "http.heads.client", What: "unfinished request heads, of each what is beyond 8 KiB", Per: limits.Client, Value: 8 << 20, Unit: limits.Bytes,
		Answer: "503 with Retry-After",
	})
	maxHeads = limits.Declare(limits.Bound{
		Name: "http.heads.server", What: "unfinished request heads, of each what is beyond 8 KiB", Per: limits.Server, Value: 32 << 20, Unit: limits.Bytes,
		Answer: "503 with Retry-After",
	})
	headTime = limits.Declare(limits.Bound{
		Name: "http.head.time", What: "sending a request's head", Per: limits.Request, Value: int64(10 * time.Second), Unit: limits.Time,
		Answer: "the connection is closed",
	})
	idleTime = limits.Declare(limits.Bound{
		Name: "http.idle.time", What: "waiting for the next request", Per: limits.Connection, Value: int64(2 * time.Minute), Unit: limits.Time,
		Answer: "the connection is closed",
	})
	stallTime = limits.Declare(limits.Bound{
		Name: "http.stall", What: "sending 16 KiB of a body, or taking 64 KiB of an answer", Per: limits.Connection, Value: int64(20 * time.Second),
		Unit: limits.Time, Answer: "408 to who sends, the connection is closed for who takes",
	})
	maxDiscards = limits.Declare(limits.Bound{
		Name: "http.head.discards", What: "refused heads of which the rest is read, so that the client reads the answer", Per: limits.Server, Value: 8,
		Unit: limits.Count, Answer: "the connection waits, that of the client with the fewest is next",
	})
	discardsWait = limits.Declare(limits.Bound{
		Name: "http.head.discards.wait", What: "waiting until the rest of a refused head is read", Per: limits.Connection, Value: int64(2 * time.Second),
		Unit: limits.Time, Answer: "the connection is closed",
	})
)
