package carrier

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// readPayload reads what a client that polls has to say; problem is what is wrong with it.
func readPayload(w http.ResponseWriter, r *http.Request, session *Session) (body []byte, status int, problem string) {
	most := MaxPayload.Value
	if session == nil || !session.Admitted() {
		most = MaxStrangerBytes.Value
	}
	if r.ContentLength > most {
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", most)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime.Duration())) // lifted at the body's end
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, fmt.Sprintf("the body did not arrive within %s", bodyTime.Duration())
	case err != nil:
		return nil, http.StatusBadRequest, "the body ended too early"
	case int64(len(body)) > most:
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", most)
	case bytes.Count(body, []byte{0x1e}) >= MaxPackets.Int():
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d packets at once", MaxPackets.Value)
	}
	return body, 0, ""
}

// Codes of Engine.IO.
const (
	UnknownSession = 1
	BadRequest     = 3
)

// Refuse answers as the protocol has it.
func Refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"code":%d,"message":%q}`, code, message)
}
