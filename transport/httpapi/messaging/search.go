package messaging

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Bounds of a search for messages.
const (
	defaultFound = 50
	maxWords     = 1000 // bytes of what is searched for
	maxSkipped   = 100_000
)

type messageSearch struct {
	Body struct {
		Query     frame.Text `json:"query" doc:"Words; a phrase in quotation marks, or between alternatives, - before what must not be there."`
		ChannelID frame.Text `json:"channelId"`
		AuthorID  frame.Text `json:"authorId"`
		From      frame.Text `json:"from" doc:"Milliseconds since 1970, or an ISO-8601 time; inclusive."`
		To        frame.Text `json:"to" doc:"The same; inclusive."`
		Limit     *int       `json:"limit" doc:"At most 1000; 50 if not given."`
		Offset    int        `json:"offset"`
		Page      int        `json:"page" doc:"From 1; instead of an offset."`
	}
}

// searchMessages finds messages by their words, the newest first.
func (a *api) searchMessages(c *frame.Call, in *messageSearch) (messageList, error) {
	b := in.Body
	s := queries.MessageSearch{Text: strings.TrimSpace(string(b.Query)), Limit: defaultFound, Offset: b.Offset}
	if len(s.Text) > maxWords {
		return messageList{}, problem.Invalid("Invalid query: more than %d bytes", maxWords)
	}
	if b.Limit != nil {
		s.Limit = *b.Limit
	}
	var err error
	if s.Limit, err = frame.Bounded(s.Limit); err != nil {
		return messageList{}, err
	}
	if b.Page > 1 && b.Offset == 0 && b.Page <= maxSkipped {
		s.Offset = (b.Page - 1) * s.Limit
	}
	if b.Page < 0 || b.Page > maxSkipped || s.Offset < 0 || s.Offset > maxSkipped {
		return messageList{}, problem.Invalid("Invalid offset: from 0 to %d; narrow the search instead", maxSkipped)
	}
	for _, field := range []struct {
		name  string
		value frame.Text
		into  *uuid.UUID
	}{{"channelId", b.ChannelID, &s.Channel}, {"authorId", b.AuthorID, &s.Author}} {
		if field.value == "" {
			continue
		}
		if *field.into, err = events.ParseID(string(field.value)); err != nil {
			return messageList{}, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", field.name)
		}
	}
	var from, to frame.Moment
	for _, field := range []struct {
		name  string
		value frame.Text
		into  *frame.Moment
	}{{"from", b.From, &from}, {"to", b.To, &to}} {
		if field.value == "" {
			continue
		}
		if err := field.into.UnmarshalText([]byte(field.value)); err != nil {
			return messageList{}, problem.Invalid("Invalid %s: %s", field.name, err)
		}
	}
	s.From, s.To = from.Time, to.Time
	found, err := a.Queries.SearchMessages(c, s)
	return messageList{frame.List(found), c.Next("offset", strconv.Itoa(s.Offset+len(found)))}, err
}
