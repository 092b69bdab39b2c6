package sessions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// SessionPath names a session.
type SessionPath struct {
	SessionID frame.AnyID `path:"sessionId"`
}

type newSession struct {
	Body struct {
		AgentID  frame.Text      `json:"agentId"`
		UserID   frame.Text      `json:"userId"`
		Metadata json.RawMessage `json:"metadata" doc:"At most 10240 bytes. It becomes part of each message's metadata."`
		Timeout  json.RawMessage `json:"timeoutConfig" doc:"timeoutMinutes, autoRenew, maxDurationMinutes, warningThresholdMinutes: what is out of bounds is brought within them."`
	}
}

// madeSession is a session as its creation is answered.
type madeSession struct {
	ID        uuid.UUID              `json:"sessionId"`
	ChannelID uuid.UUID              `json:"channelId"`
	AgentID   uuid.UUID              `json:"agentId"`
	UserID    uuid.UUID              `json:"userId"`
	CreatedAt queries.ISO            `json:"createdAt"`
	Metadata  json.RawMessage        `json:"metadata"`
	ExpiresAt queries.ISO            `json:"expiresAt"`
	Timeout   queries.SessionTimeout `json:"timeoutConfig"`
}

func (a *api) createSession(c *frame.Call, in *newSession) (made madeSession, err error) {
	agent, user, err := a.partiesOf(in)
	if err != nil {
		return made, err
	}
	known, err := a.Env.States.Agent(c, agent)
	if err != nil {
		return made, err
	}
	if !known.Running {
		return made, a.refusal(http.StatusNotFound, problem.CodeNoAgent, nil, "Agent with ID '%s' not found", agent)
	}
	full, err := a.full(c)
	if err != nil {
		return made, err
	}
	if full {
		return made, problem.New(http.StatusTooManyRequests, problem.CodeRateLimited, "There are %d open sessions. Try again when one has ended.", maxSessions.Int())
	}
	cmd := commands.CreateSession{
		SessionID: c.NewID("session"), ChannelID: c.NewID("channel"), AgentID: agent, UserID: user, Metadata: frame.Given(in.Body.Metadata),
		Timeout: a.Rules.timeout(known.Character.Settings, opened(in.Body.Timeout)),
	}
	channel, err := channelOf(cmd)
	if err != nil {
		return made, err
	}
	r, err := commands.HandleBoth(c, a.Env, c.Request(), channel, cmd)
	if err := c.Wrote(r, err); err != nil {
		return made, err
	}
	a.open.Taken()
	clock := cmd.Clock(r.At)
	return madeSession{
		cmd.SessionID, cmd.ChannelID, cmd.AgentID, cmd.UserID, frame.ISO(clock.CreatedAt), shown(cmd.Metadata), frame.ISO(clock.ExpiresAt),
		queries.SessionTimeout(clock.Timeout),
	}, nil
}

// full reports whether as many sessions are open as may be.
func (a *api) full(c *frame.Call) (bool, error) {
	return a.open.Full(a.Clock(), maxSessions.Int(), func() (int, error) {
		counted, err := a.Queries.CountSessions(c, a.Clock(), maxSessions.Int())
		return counted.Active, err
	})
}

// partiesOf are the agent and the user of the session that a request wants to open.
func (a *api) partiesOf(in *newSession) (agent, user uuid.UUID, err error) {
	b := in.Body
	if b.AgentID == "" || b.UserID == "" {
		return agent, user, a.invalid(map[string][]string{"missingFields": {"agentId", "userId"}}, "Missing required fields: agentId, userId")
	}
	for _, given := range []struct {
		name string
		text frame.Text
		id   *uuid.UUID
	}{{"agentId", b.AgentID, &agent}, {"userId", b.UserID, &user}} {
		if *given.id, err = events.ParseID(string(given.text)); err != nil {
			details := map[string]string{"providedValue": fmt.Sprintf("%.60s", given.text), "expectedFormat": "UUID v4"}
			return agent, user, a.invalid(details, "Invalid UUID format for field '%s'", given.name)
		}
	}
	return agent, user, a.fits(b.Metadata)
}

// channelOf is the channel of a session. What the client says of its user is sealed for the user.
func channelOf(s commands.CreateSession) (commands.CreateChannel, error) {
	metadata, err := json.Marshal(map[string]any{"sessionId": s.SessionID, "agentId": s.AgentID, "userId": s.UserID, "timeoutConfig": s.Timeout})
	opener := uuid.Nil
	if s.Metadata != nil {
		opener = s.UserID
	}
	return commands.CreateChannel{
		ChannelID: s.ChannelID, ServerID: events.DefaultServer, Name: "session-" + s.SessionID.String(), Type: "DM", Metadata: metadata,
		Participants: []uuid.UUID{s.AgentID, s.UserID}, OpenedBy: opener, Opening: s.Metadata,
	}, err
}

// opened are the fields of an object, none of anything else.
func opened(raw json.RawMessage) wishes {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	return frame.Object(raw).Fields()
}

// shown is metadata as answers have it.
func shown(metadata json.RawMessage) json.RawMessage {
	if metadata == nil {
		return json.RawMessage(`{}`)
	}
	return metadata
}

func (a *api) session(c *frame.Call, in *SessionPath) (queries.Session, error) {
	found, err := a.notExpired(c, in.SessionID)
	c.Revision(found.Revision)
	return found, err
}

// notExpired is a session that has not expired.
func (a *api) notExpired(c *frame.Call, id frame.AnyID) (queries.Session, error) {
	found, err := a.Queries.Session(c, id.UUID, a.Clock())
	if err == nil && found.Expired {
		err = a.expired(id, found.ExpiresAt.Time())
	}
	return found, a.failed(c, id, err)
}

// sessionList is a page of sessions.
type sessionList struct {
	Sessions []queries.Session `json:"sessions"`
	Total    int               `json:"total"`
	Stats    sessionStats      `json:"stats"`
	Next     string            `json:"next,omitempty" doc:"Where the page ended early: the after of the next one."`
}

type sessionStats struct {
	Total   int `json:"totalSessions"`
	Active  int `json:"activeSessions"`
	Expired int `json:"expiredSessions" doc:"Those whose end is about to be recorded."`
}

func (a *api) sessions(c *frame.Call, in *frame.PageQuery) (list sessionList, err error) {
	page, err := in.Page(c.PlacesOf(queries.ASession))
	if err != nil {
		return list, err
	}
	now := a.Clock()
	found, total, err := a.Queries.Sessions(c, now, page)
	if err != nil {
		return list, err
	}
	overdue, err := a.Queries.OverdueSessions(c, now)
	c.Total = total
	next := frame.NextOf(c, page, false, found, func(s queries.Session) uuid.UUID { return s.ID })
	return sessionList{frame.List(found), total, sessionStats{total + overdue, total, overdue}, next}, err
}

type sessionHealth struct {
	Status    string      `json:"status"`
	Active    int         `json:"activeSessions"`
	Timestamp queries.ISO `json:"timestamp"`
	Expiring  int         `json:"expiringSoon"`
	Uptime    float64     `json:"uptime" doc:"Seconds."`
}

func (a *api) health(c *frame.Call, _ *frame.Nothing) (sessionHealth, error) {
	now := a.Clock()
	counted, err := a.Queries.CountSessions(c, now, maxSessions.Int()+1)
	return sessionHealth{"healthy", counted.Active, frame.ISO(now), counted.Expiring, a.Uptime().Seconds()}, err
}

func (a *api) renewSession(c *frame.Call, in *SessionPath) (queries.Session, error) {
	r, err := frame.Run(c, commands.RenewSession{SessionID: in.SessionID.UUID})
	return a.changed(c, in.SessionID, r, err)
}

func (a *api) heartbeat(c *frame.Call, in *SessionPath) (queries.Session, error) {
	r, err := frame.Run(c, commands.UseSession{SessionID: in.SessionID.UUID})
	return a.changed(c, in.SessionID, r, err)
}

type newTimeout struct {
	SessionPath
	Body frame.Object
}

func (a *api) changeTimeout(c *frame.Call, in *newTimeout) (queries.Session, error) {
	id, wanted := in.SessionID, wishes(in.Body.Fields())
	if wrong := a.Rules.acceptable(wanted); wrong != "" {
		return queries.Session{}, a.invalid(wrongTimeout{wrong, echoed(in.Body.Raw())}, "Invalid timeout configuration: %s", wrong)
	}
	s, err := commands.LoadSession(c, a.Env, id.UUID)
	if err != nil {
		return queries.Session{}, err
	}
	agent, err := a.Env.States.Agent(c, s.AgentID)
	if err != nil {
		return queries.Session{}, err
	}
	r, err := frame.Run(c, commands.ChangeSessionTimeout{SessionID: id.UUID, Timeout: a.Rules.timeout(agent.Character.Settings, wanted)})
	return a.changed(c, id, r, err)
}

// changed is a session after a command. Its clock is that of the log: the read models may be behind. A request that may be repeated is
// answered as of its first time.
func (a *api) changed(c *frame.Call, id frame.AnyID, r commands.Result, err error) (queries.Session, error) {
	if err != nil {
		return queries.Session{}, a.failed(c, id, err)
	}
	c.Settle()
	found, err := a.Queries.Session(c, id.UUID, a.Clock())
	if err != nil && !frame.Missing(err) {
		return found, err
	}
	s, err := commands.LoadSession(c, a.Env, id.UUID)
	if err != nil {
		return found, err
	}
	c.Revision(found.Revision)
	now := a.Clock()
	if c.Repeats() {
		now = r.At
	}
	return standing(id.UUID, s, found.Metadata, now), nil
}

// standing is a session as the log has it.
func standing(id uuid.UUID, s commands.Session, metadata json.RawMessage, now time.Time) queries.Session {
	return queries.Session{
		ID: id, ChannelID: s.ChannelID, AgentID: s.AgentID, UserID: s.UserID, CreatedAt: frame.ISO(s.Clock.CreatedAt),
		LastActivity: frame.ISO(s.Clock.LastActivity), Metadata: shown(metadata), ExpiresAt: frame.ISO(s.Clock.ExpiresAt),
		Timeout: queries.SessionTimeout(s.Clock.Timeout), RenewalCount: int64(s.Clock.RenewalCount),
	}.At(now)
}

func (a *api) deleteSession(c *frame.Call, in *SessionPath) (frame.NoData, error) {
	id := in.SessionID
	c.Message = "Session " + id.String() + " deleted successfully"
	_, err := frame.Run(c, commands.DeleteSession{SessionID: id.UUID})
	return frame.NoData{}, a.failed(c, id, err)
}
