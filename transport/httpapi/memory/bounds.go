package memory

import "annals/transport/limits"

// What requests for memories may take up.
var (
	maxMetadata = limits.Declare(limits.Bound{
		Name: "memory.metadata", What: "members of the metadata by which memories are listed", Per: limits.Request, Value: 8, Unit: limits.Count,
		Answer: "400 INVALID_REQUEST",
	})
	_ = limits.Declare(limits.Bound{
		Name: "memory.search", What: "what memories are searched for", Per: limits.Request, Value: maxAsked, Unit: limits.Bytes,
		Answer: "400 INVALID_REQUEST",
	})
	_ = limits.Declare(limits.Bound{
		Name: "memory.search.embed", What: "finding the vector of what memories are searched for", Per: limits.Request, Value: int64(embedLimit), Unit: limits.Time,
		Answer: "the words alone are searched for",
	})
)
