package sessions

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
)

type newMessage struct {
	SessionPath
	Body struct {
		Content     json.RawMessage `json:"content" doc:"A text of at most 4000 characters."`
		Attachments json.RawMessage `json:"attachments"`
		Metadata    json.RawMessage `json:"metadata" doc:"At most 10240 bytes."`
		MessageID   frame.Text      `json:"messageId" doc:"The message's id in the words of the client, a UUID. The same again, with the same text, is the same message."`
		talk.TransportNames
	}
}

// sessionPosted is a message in a session, the answer where it was waited for, and where the session stands after it.
type sessionPosted struct {
	talk.Posted
	Status sessionStatus `json:"sessionStatus"`
}

type sessionStatus struct {
	ExpiresAt    queries.ISO `json:"expiresAt"`
	RenewalCount int         `json:"renewalCount"`
	WasRenewed   bool        `json:"wasRenewed"`
	Near         bool        `json:"isNearExpiration"`
}

// maxContent bounds a message in a session, in characters.
const maxContent = 4000

func (a *api) postMessage(c *frame.Call, in *newMessage) (answer sessionPosted, err error) {
	id := in.SessionID
	way, content, err := a.wanted(in)
	if err != nil {
		return answer, err
	}
	s, err := commands.LoadSession(c, a.Env, id.UUID)
	if err != nil {
		return answer, err
	}
	if !s.Exists {
		return answer, a.noSession(id)
	}
	message, again, err := a.idOf(c, s, string(in.Body.MessageID), content)
	if err != nil {
		return answer, err
	}
	if !again && (s.Expired || !a.Clock().Before(s.Clock.ExpiresAt)) {
		return answer, a.expired(id, s.Clock.ExpiresAt)
	}
	if err := a.acceptable(content, in.Body.Metadata); err != nil {
		return answer, err
	}
	cmd, err := a.messageOf(c, s, in, message, content)
	if err != nil {
		return answer, err
	}
	if err := a.Talk.Ready(c, cmd, way); err != nil {
		return answer, err
	}
	if !again {
		if _, err := frame.Run(c, commands.UseSession{SessionID: id.UUID}); err != nil {
			return answer, a.failed(c, id, err)
		}
		if s, err = commands.LoadSession(c, a.Env, id.UUID); err != nil {
			return answer, err
		}
	}
	answer.Status = statusOf(s, a.Clock())
	answer.Posted, err = a.Talk.Post(c, cmd, way)
	return answer, err
}

func statusOf(s commands.Session, now time.Time) sessionStatus {
	near := s.Clock.ExpiresAt.Sub(now).Minutes() <= s.Clock.Timeout.WarningThresholdMinutes
	return sessionStatus{frame.ISO(s.Clock.ExpiresAt), s.Clock.RenewalCount, s.Clock.Timeout.AutoRenew, near}
}

// idOf is the id of a message, and whether it is there, since its request comes again: it does not use the session once more then.
func (a *api) idOf(c *frame.Call, s commands.Session, own, content string) (message uuid.UUID, again bool, err error) {
	message, err = a.Talk.MessageID(c, s.ChannelID, s.UserID, own, content)
	if err != nil || own == "" && !c.Repeats() {
		return message, false, err
	}
	m, err := a.Env.States.Message(c, message)
	return message, m.Exists, err
}

// wanted is the way of the answer and the text of a message.
func (a *api) wanted(in *newMessage) (way talk.Transport, content string, err error) {
	if way, err = in.Body.Way(); err != nil {
		return way, "", a.invalidPart("content", err.Error())
	}
	if raw := in.Body.Content; len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &content) != nil {
		return way, "", a.invalidPart("content", "Invalid message request format")
	}
	return way, content, nil
}

func (a *api) acceptable(content string, metadata json.RawMessage) error {
	switch {
	case strings.TrimSpace(content) == "":
		return a.invalidPart("content", "Content cannot be empty")
	case utf8.RuneCountInString(content) > maxContent:
		return a.invalidPart("content", "Content exceeds maximum length of 4000 characters")
	}
	return a.fits(metadata)
}

// sessionIn names a session in metadata.
func sessionIn(id uuid.UUID) json.RawMessage {
	return json.RawMessage(`{"sessionId":"` + id.String() + `"}`)
}

// messageOf is a message in a session. Its metadata is that of the channel, where that of the session is, and its own.
func (a *api) messageOf(c *frame.Call, s commands.Session, in *newMessage, message uuid.UUID, content string) (cmd commands.SubmitMessage, err error) {
	channel, err := a.Env.States.Channel(c, s.ChannelID)
	if err != nil {
		return cmd, err
	}
	whole := map[string]json.RawMessage{}
	for _, part := range []json.RawMessage{channel.Metadata, channel.Opening, sessionIn(in.SessionID.UUID), in.Body.Metadata} {
		maps.Copy(whole, opened(part))
	}
	metadata, err := json.Marshal(whole)
	if err != nil {
		return cmd, err
	}
	raw := map[string]any{"content": content}
	if given := frame.Given(in.Body.Attachments); given != nil {
		raw["attachments"] = given
	}
	rawMessage, err := json.Marshal(raw)
	return commands.SubmitMessage{
		MessageID: message, ChannelID: s.ChannelID, ServerID: events.DefaultServer, AuthorID: s.UserID, AuthorName: frame.TextIn(whole, "user_display_name", "username"),
		Content: content, RawMessage: rawMessage, Metadata: metadata, SourceType: "user",
	}, err
}

type messagesQuery struct {
	SessionPath
	Limit  string `query:"limit" doc:"1 to 100, 50 without."`
	Before string `query:"before" doc:"Milliseconds since 1970: only what was said before."`
	After  string `query:"after" doc:"Milliseconds since 1970: only what was said after. Alone, the page has the oldest of it."`
}

// sessionMessage is a message as a session lists it.
type sessionMessage struct {
	ID        uuid.UUID       `json:"id"`
	Content   string          `json:"content"`
	AuthorID  uuid.UUID       `json:"authorId"`
	IsAgent   bool            `json:"isAgent"`
	CreatedAt queries.ISO     `json:"createdAt"`
	Metadata  json.RawMessage `json:"metadata"`
}

type sessionCursors struct {
	Before queries.Millis `json:"before"`
	After  queries.Millis `json:"after"`
}

type sessionMessages struct {
	Messages []sessionMessage `json:"messages"`
	HasMore  bool             `json:"hasMore"`
	Cursors  *sessionCursors  `json:"cursors,omitempty"`
}

func (a *api) messages(c *frame.Call, in *messagesQuery) (list sessionMessages, err error) {
	s, err := a.notExpired(c, in.SessionID)
	if err != nil {
		return list, err
	}
	page := queries.Page{Limit: 50, WholeMillis: true}
	if n, err := strconv.Atoi(in.Limit); err == nil {
		page.Limit = min(max(n, 1), 100)
	}
	if page.Before, err = a.moment("before", in.Before); err != nil {
		return list, err
	}
	if page.After, err = a.moment("after", in.After); err != nil {
		return list, err
	}
	found, err := a.Queries.MessagesIn(c, s.ChannelID, page)
	if err != nil || len(found) == 0 {
		return sessionMessages{Messages: []sessionMessage{}}, err
	}
	for _, m := range found {
		list.Messages = append(list.Messages, sessionMessage{m.ID, m.Content, m.AuthorID, m.ByAgent, m.CreatedAt, m.Metadata})
	}
	list.Cursors = &sessionCursors{Before: found[len(found)-1].CreatedMillis, After: found[0].CreatedMillis}
	var next string
	if page.Before.IsZero() && !page.After.IsZero() {
		next = c.Next("after", strconv.FormatInt(int64(list.Cursors.After), 10))
	} else {
		next = c.Next("before", strconv.FormatInt(int64(list.Cursors.Before), 10))
	}
	list.HasMore = len(found) >= page.Limit || next != ""
	return list, nil
}

// lastMoment is the last time that a client may name.
var lastMoment = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()

// moment is a time of a page.
func (a *api) moment(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	reason := ""
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		reason = "Must be a valid timestamp"
	case err != nil || n < 0 || n > lastMoment:
		reason = "Invalid date from timestamp"
	}
	if reason != "" {
		return time.Time{}, a.invalid(map[string]string{"parameter": name, "value": value[:min(len(value), 60)], "reason": reason},
			"Invalid pagination parameter '%s': %s", name, reason)
	}
	return time.UnixMilli(n).UTC(), nil
}
