package frame

import (
	"time"

	"annals/events"
	"annals/queries"
	"annals/transport/limits"
)

// What requests may take up, besides what their connections may (see httpserver) and what stands in pages.go and expensive.go.
var (
	_ = limits.Declare(limits.Bound{
		Name: "http.body", What: "a JSON body", Per: limits.Request, Value: MaxBody, Unit: limits.Bytes,
		Answer: "413",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.body.time", What: "sending a JSON body", Per: limits.Request, Value: int64(bodyTimeLimit), Unit: limits.Time,
		Answer: "408",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.time", What: "answering a request, but for what follows", Per: limits.Request, Value: int64(timeLimit), Unit: limits.Time,
		Answer: "503 with Retry-After",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.time.reply", What: "answering with wait=reply", Per: limits.Request, Value: int64(replyTimeLimit), Unit: limits.Time,
		Answer: "the answer has the replies so far",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.time.file", What: "sending or taking a file, an import or an export", Per: limits.Request, Value: int64(UploadTime), Unit: limits.Time,
		Answer: "408 to who sends, the connection is closed for who takes",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.time.line", What: "sending or taking the next part of an import or an export", Per: limits.Request, Value: int64(LineWait), Unit: limits.Time,
		Answer: "the connection is closed",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.time.position", What: "waiting until what X-Annals-After names can be read", Per: limits.Request, Value: int64(readable), Unit: limits.Time,
		Answer: "503 with Retry-After",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.key", What: "an Idempotency-Key", Per: limits.Request, Value: maxKey, Unit: limits.Bytes,
		Answer: "400 INVALID_REQUEST",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.list", What: "what a page of a list has", Per: limits.Request, Value: queries.MaxLimit, Unit: limits.Count,
		Answer: "the page ends there; before, after or offset go on",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.followers", What: "clients that follow logs, or an answer that is streamed", Per: limits.Server, Value: maxFollowers, Unit: limits.Count,
		Answer: "429 with Retry-After",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.follower.time", What: "taking an entry of a log that is followed, or a part of an answer that is streamed", Per: limits.Connection, Value: int64(followerWait), Unit: limits.Time,
		Answer: "the connection is closed; Last-Event-ID resumes",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.rate.identified", What: "requests in 15 minutes of clients that show the key, or from this machine without one", Per: limits.Client, Value: int64(everything.most), Unit: limits.Count,
		Answer: "429 with Retry-After; RATE_LIMIT=off lifts it",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.rate.strangers", What: "requests in 15 minutes without the key, or with a wrong one, where one is set", Per: limits.Client, Value: int64(everything.most), Unit: limits.Count,
		Answer: "429 with Retry-After; RATE_LIMIT=off lifts it",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.rate.clients", What: "clients whose requests are counted", Per: limits.Server, Value: addressesKept, Unit: limits.Count,
		Answer: "the one that was not seen for longest begins anew",
	})
	_ = limits.Declare(limits.Bound{
		Name: "event.size", What: "what one request records, encoded", Per: limits.Request, Value: events.MaxSize, Unit: limits.Bytes,
		Answer: "413",
	})
	_ = limits.Declare(limits.Bound{
		Name: "event.depth", What: "levels of objects and lists in free JSON", Per: limits.Request, Value: events.MaxDepth, Unit: limits.Count,
		Answer: "400 INVALID_REQUEST",
	})
)

// An address and the other lines of a head, once they are read; see http.head for what is read of both together.
var (
	maxAddress = limits.Declare(limits.Bound{
		Name: "http.address", What: "the address of a request", Per: limits.Request, Value: 64 << 10, Unit: limits.Bytes,
		Answer: "414",
	})
	maxHeaders = limits.Declare(limits.Bound{
		Name: "http.headers", What: "the headers of a request together", Per: limits.Request, Value: 64 << 10, Unit: limits.Bytes,
		Answer: "431",
	})
)

// Requests without the key, and what is refused.
var (
	paceOfClient = limits.Declare(limits.Bound{
		Name: "http.strangers.client", What: "requests in a second without the key, where one is set, after as many at once", Per: limits.Client, Value: 500,
		Unit: limits.Count, Answer: "the request is answered later",
	})
	paceInAll = limits.Declare(limits.Bound{
		Name: "http.strangers.server", What: "requests in a second without the key, where one is set, after as many at once", Per: limits.Server, Value: 1000,
		Unit: limits.Count, Answer: "the request is answered later",
	})
	maxPaced = limits.Declare(limits.Bound{
		Name: "http.strangers.wait", What: "by how much a request without the key is answered later", Per: limits.Request, Value: int64(2 * time.Second),
		Unit: limits.Time, Answer: "the request is answered",
	})
	maxDiscards = limits.Declare(limits.Bound{
		Name: "http.discards", What: "refused requests of which the rest is read, so that the client reads the answer", Per: limits.Server, Value: 8,
		Unit: limits.Count, Answer: "the request waits, that of the client with the fewest is next",
	})
	discardsWait = limits.Declare(limits.Bound{
		Name: "http.discards.wait", What: "waiting until the rest of a refused request is read", Per: limits.Request, Value: int64(2 * time.Second),
		Unit: limits.Time, Answer: "the connection is closed",
	})
)
