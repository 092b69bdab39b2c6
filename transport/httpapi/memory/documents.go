package memory

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/documents"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// DocumentPath names a document of an agent.
type DocumentPath struct {
	frame.AgentPath
	DocumentID frame.ID `path:"documentId"`
}

type documentList struct {
	Documents []queries.Document `json:"documents"`
	Next      string             `json:"next,omitempty" doc:"Where the page ended early, since it is large or too many are of one millisecond: the before or after of the next one."`
}

// DocumentQuery asks for the documents of an agent.
type DocumentQuery struct {
	frame.AgentPath
	Limit  int         `query:"limit" default:"1000" doc:"At most 1000."`
	Before frame.Place `query:"before" doc:"Only what is of before: a time, or the id of a document."`
	After  frame.Place `query:"after" doc:"Only what is of after."`
}

func (a *api) documents(c *frame.Call, in *DocumentQuery) (documentList, error) {
	page, err := frame.Between(in.Limit, in.Before, in.After, a.memoryPlace(c, in.AgentID.UUID))
	if err != nil {
		return documentList{}, err
	}
	found, total, err := a.Queries.Documents(c, in.AgentID.UUID, page)
	c.Total = total
	return documentList{frame.List(found), frame.NextOf(c, page, true, found, func(d queries.Document) uuid.UUID { return d.ID })}, err
}

// documentAnswer is a document with all that it says.
type documentAnswer struct {
	queries.Document
	Text  string             `json:"text"`
	Parts []queries.Fragment `json:"parts" doc:"The fragments that searches find, in the order of the text."`
}

func (a *api) document(c *frame.Call, in *DocumentPath) (documentAnswer, error) {
	d, text, err := a.Queries.Document(c, in.AgentID.UUID, in.DocumentID.UUID)
	if err != nil {
		return documentAnswer{}, err
	}
	c.Revision(d.Revision)
	parts, err := a.Queries.Fragments(c, in.DocumentID.UUID)
	return documentAnswer{d, text, frame.List(parts)}, err
}

func (a *api) deleteDocument(c *frame.Call, in *DocumentPath) (frame.None, error) {
	m, err := a.Env.States.Memory(c, in.DocumentID.UUID)
	if err != nil {
		return frame.None{}, err
	}
	if m.Exists && (m.AgentID != in.AgentID.UUID || m.Table != events.TableDocuments) || !m.Exists && m.Deleted == 0 {
		return frame.None{}, problem.New(http.StatusNotFound, problem.CodeNotFound, "document %s not found", in.DocumentID)
	}
	_, err = frame.Run(c, commands.DeleteMemory{MemoryID: in.DocumentID.UUID, AgentID: in.AgentID.UUID})
	return frame.None{}, err
}

func (a *api) addDocument(c *frame.Call, in *frame.AgentPath) (answer documentAnswer, err error) {
	share := a.receiving.Join(c.Client())
	defer share.Leave()
	given, err := receiveDocument(c, share)
	if err != nil {
		return answer, err
	}
	if err := c.Repeatable(given.hash() + string(given.Filename+given.Title)); err != nil {
		return answer, err
	}
	entity, err := frame.OptionalID("entityId", given.EntityID, in.AgentID.UUID)
	if err != nil {
		return answer, err
	}
	switch agent, err := a.Env.States.Agent(c, in.AgentID.UUID); {
	case err != nil:
		return answer, err
	case !agent.Exists:
		return answer, problem.New(http.StatusNotFound, problem.CodeNotFound, "agent %s not found", in.AgentID)
	}
	resume := c.Rests() // another process reads the file
	text, err := documents.Text(c, string(given.ContentType), given.data)
	resume()
	if err != nil {
		return answer, documentProblem(err)
	}
	texts, err := documents.Split(text)
	if err != nil {
		return answer, err
	}
	if err := c.Wrote(commands.OpenSelf(c, a.Env, c.Request(), in.AgentID.UUID)); err != nil {
		return answer, err
	}
	return a.keepDocument(c, in.AgentID.UUID, entity, given, text, texts)
}

// keepDocument records a document and its fragments.
func (a *api) keepDocument(c *frame.Call, agent, entity uuid.UUID, given document, text string, texts []string) (answer documentAnswer, err error) {
	id := c.NewID("document")
	metadata, err := json.Marshal(map[string]any{
		"type": "document", "source": "upload", "title": given.title(), "filename": given.Filename, "contentType": given.ContentType,
		"size": len(given.data), "hash": events.HashText(text),
	})
	if err != nil {
		return answer, err
	}
	content, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return answer, err
	}
	kept, err := frame.Run(c, commands.AddDocument{StoreMemory: commands.StoreMemory{
		MemoryID: id, AgentID: agent, RoomID: agent, EntityID: entity, Table: events.TableDocuments, Content: content, Metadata: metadata, Unique: true,
	}})
	if err != nil {
		return answer, err
	}
	last, err := commands.StoreFragments(c, a.Env, c.Request(), commands.Fragments{
		DocumentID: id, AgentID: agent, RoomID: agent, EntityID: entity, Source: "upload", Document: text, Texts: texts,
	})
	if err := c.Wrote(commands.Result{Position: last}, err); err != nil {
		return answer, err
	}
	answer = documentAnswer{Document: queries.Document{
		ID: id, AgentID: agent, EntityID: entity, Title: given.title(), Filename: string(given.Filename), ContentType: string(given.ContentType), Source: "upload",
		Size: int64(len(given.data)), Fragments: len(texts), CreatedAt: queries.Millis(kept.At.UnixMilli()),
	}, Text: text}
	for i, hash := 0, events.HashText(text); i < len(texts); i++ {
		answer.Parts = append(answer.Parts, queries.Fragment{ID: events.FragmentID(id, i, hash), Position: i, Text: texts[i]})
	}
	return answer, nil
}

// documentProblem says to clients why a document was refused.
func documentProblem(err error) error {
	switch {
	case errors.Is(err, documents.ErrType):
		return errDocumentType
	case errors.Is(err, documents.ErrTooLong):
		return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "%s", err)
	case errors.Is(err, documents.ErrUnreadable), errors.Is(err, documents.ErrEmpty):
		return problem.Invalid("Invalid document: %s", err)
	case errors.Is(err, documents.ErrBusy):
		return errDocumentsBusy
	}
	return err
}

var (
	errDocumentType  = problem.New(http.StatusUnsupportedMediaType, problem.CodeFileType, "Invalid document: %s", documents.ErrType)
	errDocumentsBusy = problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "Too many documents are being read at the moment. Try again.")
)
