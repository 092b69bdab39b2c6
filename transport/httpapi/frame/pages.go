package frame

import (
	"net/url"
	"time"

	"annals/queries"
	"annals/transport/limits"
)

// What answers may take up. What is read for one is held until its client has taken it.
var (
	maxPage = limits.Declare(limits.Bound{
		Name: "http.page", What: "a page of a list, in bytes of what is stored", Per: limits.Request, Value: queries.PageBytes, Unit: limits.Bytes,
		Answer: "the page ends early; next, and a header Link, say where to go on",
	})
	maxPagesOfClient = limits.Declare(limits.Bound{
		Name: "http.pages.client", What: "pages that the client has not taken yet, of each what is beyond 64 KiB", Per: limits.Client, Value: 32 << 20,
		Unit: limits.Bytes, Answer: "pages end early, with one entry at least; 429 with Retry-After where there is no room for that",
	})
	maxPagesInAll = limits.Declare(limits.Bound{
		Name: "http.pages.server", What: "pages that clients have not taken yet, of each what is beyond 64 KiB", Per: limits.Server, Value: 64 << 20,
		Unit: limits.Bytes, Answer: "pages end early, with one entry at least",
	})
	answerTime = limits.Declare(limits.Bound{
		Name: "http.answer", What: "taking an answer of more than 1 MiB", Per: limits.Request, Value: int64(45 * time.Second), Unit: limits.Time,
		Answer: "the connection is closed",
	})
)

// large is from when on an answer has a time of its own, and its buffer is not kept.
const large = 1 << 20

// Hold implements queries.Reader: what is held counts for the client until it has the answer.
func (c *Call) Hold(n int64, first bool) bool {
	if c.pages == nil {
		c.pages = c.api.pages.Join(c.Client())
	}
	if first {
		return c.pages.TryOwn(n)
	}
	return c.pages.Try(n)
}

// tookPages gives back what was held of pages that the client has taken.
func (c *Call) tookPages() {
	if c.pages != nil {
		c.pages.Give(c.pages.Held())
	}
}

// EndedEarly implements queries.Reader.
func (c *Call) EndedEarly() { c.endedEarly = true }

// release gives back what was held for the call.
func (c *Call) release() {
	if c.pages != nil {
		c.pages.Leave()
	}
	for _, end := range c.ends {
		end()
	}
}

// Next is the cursor of the next page, empty unless this one has ended early. A header says it, too: the parameter of the query
// that takes it.
func (c *Call) Next(parameter, cursor string) string {
	if !c.endedEarly {
		return ""
	}
	query := url.Values{}
	for name, values := range c.gin.Request.URL.Query() {
		query[name] = values
	}
	query.Set(parameter, cursor)
	c.gin.Header("Link", "<"+c.gin.Request.URL.Path+"?"+query.Encode()+`>; rel="next"`)
	return cursor
}
