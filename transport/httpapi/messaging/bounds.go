package messaging

import "annals/transport/limits"

// What requests for messages and channels may take up.
var (
	_ = limits.Declare(limits.Bound{
		Name: "search.words", What: "what messages are searched for", Per: limits.Request, Value: maxWords, Unit: limits.Bytes,
		Answer: "400 INVALID_REQUEST",
	})
	_ = limits.Declare(limits.Bound{
		Name: "search.offset", What: "messages that a search passes over", Per: limits.Request, Value: maxSkipped, Unit: limits.Count,
		Answer: "400 INVALID_REQUEST: narrow the search",
	})
	_ = limits.Declare(limits.Bound{
		Name: "channels.sync", What: "channels that one request names", Per: limits.Request, Value: maxSynced, Unit: limits.Count,
		Answer: "400 INVALID_REQUEST",
	})
)
