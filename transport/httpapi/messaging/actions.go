package messaging

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type actionPatch struct {
	MessagePath
	Body *struct {
		Content    *frame.Text     `json:"content"`
		SourceType *frame.Text     `json:"source_type"`
		RawMessage json.RawMessage `json:"raw_message"`
		Metadata   frame.Object    `json:"metadata"`
		InReplyTo  *frame.Text     `json:"in_reply_to_message_id"`
		AuthorID   *frame.Text     `json:"author_id" doc:"It has to be an id, and changes nothing."`
	}
}

// updateAction changes what is given. The message answers as it is then.
func (a *api) updateAction(c *frame.Call, in *actionPatch) (queries.Message, error) {
	cmd, err := in.command()
	if err != nil {
		return queries.Message{}, err
	}
	if _, err := frame.Run(c, cmd); err != nil {
		return queries.Message{}, err
	}
	c.Settle()
	return a.message(c, &in.MessagePath)
}

// command changes nothing where the request has no body, as recorded.
func (p *actionPatch) command() (commands.ShowAction, error) {
	b := p.Body
	if b == nil {
		return commands.ShowAction{MessageID: p.MessageID.UUID}, nil
	}
	if _, err := idIn(b.AuthorID); err != nil {
		return commands.ShowAction{}, problem.Invalid("Invalid author_id format")
	}
	answered, err := idIn(b.InReplyTo)
	if err != nil {
		return commands.ShowAction{}, problem.Invalid("Invalid in_reply_to_message_id format")
	}
	return commands.ShowAction{
		MessageID: p.MessageID.UUID, Content: (*string)(b.Content), SourceType: (*string)(b.SourceType), RawMessage: frame.Given(b.RawMessage),
		Metadata: b.Metadata.Raw(), InReplyTo: answered,
	}, nil
}

// idIn is the id in a text, nil for none.
func idIn(text *frame.Text) (*uuid.UUID, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	id, err := events.ParseID(string(*text))
	return &id, err
}
