package frame

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gin-gonic/gin"

	"annals/queries"
)

// None is the data of an answer without a body: 204.
type None struct{}

// NoData is an answer that has no data, in an envelope nevertheless.
type NoData struct{}

// Nothing is read of a request.
type Nothing struct{}

// Said is an answer that is a sentence.
type Said struct {
	Message string `json:"message"`
}

// ISO is a time as answers show it.
func ISO(t time.Time) queries.ISO { return queries.ISO(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

// Besider is data that has fields beside it, at the top level of the answer: those of the object that Beside returns.
type Besider interface{ Beside() any }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// answer writes data or an error in its envelope.
func (c *Call) answer(data any, err error) {
	if c.written > 0 {
		c.gin.Header("X-Annals-Position", c.api.TokenOf(c.written))
	}
	if err != nil {
		c.api.refuse(c.gin, err)
		return
	}
	if c.Stream != nil {
		c.Stream()
		return
	}
	if c.operation.answer.status == http.StatusNoContent {
		c.gin.Status(http.StatusNoContent)
		c.gin.Writer.WriteHeaderNow()
		return
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= large { // others may never need so much
			buffers.Put(buf)
		}
	}()
	buf.Reset()
	if c.pages != nil {
		c.becomeBulk()
		buf.Grow(int(c.pages.Held()*9/8) + taken) // at once, since the buffer would double until the page fits
	}
	if err := c.encode(buf, data); err != nil {
		c.api.refuse(c.gin, err)
		return
	}
	body := c.api.signed(buf.Bytes())
	if c.Total > 0 {
		c.gin.Header("X-Total-Count", strconv.Itoa(c.Total))
	}
	if c.operation.method == http.MethodGet && c.unchanged(body) {
		c.gin.Status(http.StatusNotModified)
		c.gin.Writer.WriteHeaderNow()
		return
	}
	if len(body) > taken {
		c.Rested()
	}
	write(c.gin, cmp.Or(c.Status, c.operation.answer.status), body)
}

// encode writes the envelope of a success.
func (c *Call) encode(buf *bytes.Buffer, data any) error {
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	buf.WriteString(`{"success":true`)
	if message := cmp.Or(c.Message, c.operation.answer.says); message != "" {
		buf.WriteString(`,"message":`)
		if err := e.Encode(message); err != nil {
			return err
		}
	}
	if _, nothing := data.(NoData); nothing {
		buf.WriteString("}")
		return nil
	}
	buf.WriteString(`,"data":`)
	from := buf.Len()
	if err := e.Encode(data); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the line feed
	if c.operation.answer.bare {
		top := bytes.TrimSuffix(buf.Bytes()[from+1:], []byte("}"))
		buf.WriteString(",")
		buf.Write(top)
	}
	if data, ok := data.(Besider); ok {
		from := buf.Len()
		if err := e.Encode(data.Beside()); err != nil {
			return err
		}
		buf.Bytes()[from] = ','
		buf.Truncate(buf.Len() - len("}\n"))
	}
	buf.WriteString("}")
	return nil
}

// unchanged sets the ETag of an answer and tells whether the client has it already.
func (c *Call) unchanged(body []byte) bool {
	tag := c.tag
	if tag == "" {
		tag = `W/"` + strconv.FormatUint(xxhash.Sum64(body), 36) + `"`
	}
	c.gin.Header("ETag", tag)
	known := c.gin.GetHeader("If-None-Match")
	return known != "" && (known == "*" || strings.Contains(strings.ReplaceAll(known, "W/", ""), strings.TrimPrefix(tag, "W/")))
}

var contentType = []string{"application/json; charset=utf-8"}

func write(g *gin.Context, status int, body []byte) {
	h := g.Writer.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	g.Status(status)
	if len(body) > large {
		w := http.NewResponseController(g.Writer)
		_ = w.SetWriteDeadline(time.Now().Add(answerTime.Duration()))
		defer func() { _ = w.SetWriteDeadline(time.Time{}) }()
	}
	_, _ = g.Writer.Write(body) // a client that has gone needs no answer
}
