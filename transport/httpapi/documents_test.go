package httpapi_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/transport/problem"
)

// aDocument is a document as the API shows it.
type aDocument struct {
	ID, Title, Filename, ContentType, Source, Text string
	Size, Fragments                                int
	Parts                                          []struct {
		ID, Text string
		Position int
	}
}

func TestDocumentsAreGivenFoundAndRemoved(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	base := "/api/memory/agents/" + ann
	long := "# Tea\n\n" + strings.Repeat("Sencha is steeped for one minute. ", 200) + "The samovar stands in the kitchen."
	body, is := form(t, "file", "tea.md", "text/markdown", "\ufeff"+long)
	var given aDocument
	s.Ask("POST", base+"/documents", body, "Content-Type", is).Is(201).Data(&given)
	if given.Title != "tea.md" || given.ContentType != "text/markdown" || given.Text != long || given.Fragments < 3 || len(given.Parts) != given.Fragments || given.Source != "upload" {
		t.Errorf("it was given %+v", given)
	}
	var text aDocument
	s.Ask("POST", "/api/agents/"+ann+"/documents", `{"text":"Coffee is roasted.","title":"Coffee"}`, "Idempotency-Key", "once").Is(201).Data(&text)
	var again aDocument
	s.Ask("POST", "/api/agents/"+ann+"/documents", `{"text":"Coffee is roasted.","title":"Coffee"}`, "Idempotency-Key", "once").Is(201).Data(&again)
	if again.ID != text.ID || text.Fragments != 1 || text.Title != "Coffee" {
		t.Errorf("first %+v, then %+v", text, again)
	}
	s.Ask("POST", "/api/agents/"+ann+"/documents", `{"text":"Other.","title":"Coffee"}`, "Idempotency-Key", "once").Refused(409, problem.CodeConflict)
	var list struct{ Documents []aDocument }
	s.Ask("GET", base+"/documents", nil).Is(200).Data(&list)
	if len(list.Documents) != 2 || list.Documents[0].ID != text.ID || list.Documents[1].Fragments != given.Fragments {
		t.Errorf("listed are %+v", list)
	}
	var one aDocument
	s.Ask("GET", base+"/documents/"+given.ID, nil).Is(200).Data(&one)
	if one.Text != long || len(one.Parts) != given.Fragments || one.Parts[1].ID != given.Parts[1].ID || one.Parts[1].Position != 1 {
		t.Errorf("it is shown as %+v", one)
	}
	found := func() (ids []string) {
		t.Helper()
		var hits struct {
			Memories []struct{ ID string }
		}
		s.Ask("GET", base+"/memories/search?mode=text&q=samovar", nil).Is(200).Data(&hits)
		for _, m := range hits.Memories {
			ids = append(ids, m.ID)
		}
		return ids
	}
	if last := given.Parts[len(given.Parts)-1].ID; !strings.Contains(strings.Join(found(), " "), last) {
		t.Errorf("a search finds %v", found())
	}
	s.Ask("DELETE", base+"/documents/"+given.ID, nil).Is(204)
	s.Ask("DELETE", base+"/documents/"+given.ID, nil).Is(204)
	s.Ask("GET", base+"/documents/"+given.ID, nil).Refused(404, problem.CodeNotFound)
	if left := found(); len(left) != 0 {
		t.Errorf("after it was removed a search finds %v", left)
	}
}

func TestDocumentsThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	path := "/api/memory/agents/" + ann + "/documents"
	file := func(name, content string) (string, []string) {
		body, is := form(t, "file", name, "", content)
		return body, []string{"Content-Type", is}
	}
	for name, c := range map[string]struct {
		file, content string
		status        int
		code          string
	}{
		"a picture":     {"a.png", pixel, 415, problem.CodeFileType},
		"a broken PDF":  {"a.pdf", "%PDF-1.7\nnothing", 400, problem.CodeInvalidRequest},
		"no text":       {"a.txt", " \n", 400, problem.CodeInvalidRequest},
		"no UTF-8":      {"a.txt", "tea \xff\xff", 400, problem.CodeInvalidRequest},
		"a long text":   {"a.txt", strings.Repeat("tea ", 200_000), 413, problem.CodeTooLarge},
		"a long file":   {"a.txt", strings.Repeat("tea ", 5<<20), 413, problem.CodeTooLarge},
		"an empty file": {"a.txt", "", 400, problem.CodeInvalidRequest},
	} {
		body, headers := file(c.file, c.content)
		if a := s.Ask("POST", path, body, headers...); a.Status != c.status {
			t.Errorf("%s: %d %.200s", name, a.Status, a.Body)
		} else {
			a.Refused(c.status, c.code)
		}
	}
	var two bytes.Buffer
	w := multipart.NewWriter(&two)
	for range 2 {
		part, err := w.CreateFormFile("file", "a.txt")
		must(t, err)
		_, err = part.Write([]byte("tea"))
		must(t, err)
	}
	must(t, w.Close())
	s.Ask("POST", path, two.String(), "Content-Type", w.FormDataContentType()).Refused(400, problem.CodeInvalidRequest)
	for _, body := range []string{``, `{}`, `{"text":""}`, `{"text":7`, `[]`, `{"text":"tea","entityId":"nobody"}`, `{"text":{"a":1}}`, `{"text":"a","title":"` + strings.Repeat("x", 1001) + `"}`} {
		if a := s.Ask("POST", path, body, "Content-Type", "application/json"); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
		}
	}
	s.Ask("POST", path, "tea", "Content-Type", "text/plain").Refused(400, problem.CodeContentType)
	s.Ask("POST", "/api/memory/agents/"+uuid.NewString()+"/documents", `{"text":"tea"}`).Refused(404, problem.CodeNotFound)
	s.Ask("GET", path+"/nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("GET", path+"?limit=-1", nil).Refused(400, problem.CodeInvalidRequest)
	var list struct{ Documents []aDocument }
	s.Ask("GET", path, nil).Is(200).Data(&list)
	if len(list.Documents) != 0 {
		t.Errorf("something was kept: %+v", list)
	}
}

func TestTheSecondMemoryWithATextIsNotUnique(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	store := func(body string) bool {
		t.Helper()
		var m, read struct {
			ID     string
			Unique bool
		}
		s.Ask("POST", "/api/memory/agents/"+ann+"/memories", body).Is(201).Data(&m)
		s.Ask("GET", "/api/memory/agents/"+ann+"/memories/"+m.ID, nil).Is(200).Data(&read)
		if m.Unique != read.Unique {
			t.Errorf("the answer to %s says %v, and later it is %v", body, m.Unique, read.Unique)
		}
		return m.Unique
	}
	for i, c := range []struct {
		body string
		want bool
	}{
		{`{"text":"Tea is hot.","tableName":"facts"}`, true},
		{`{"text":"Tea is hot.","tableName":"facts"}`, false},
		{`{"text":"Tea is hot.","tableName":"messages"}`, true},
		{`{"text":"Tea is wet.","tableName":"facts"}`, true},
		{`{"text":"Tea is red.","tableName":"facts","unique":false}`, false},
		{`{"text":"Tea is hot.","tableName":"facts","unique":true}`, false},
		{`{"content":{"note":1},"tableName":"facts"}`, true},
		{`{"content":{"note":1},"tableName":"facts"}`, true},
	} {
		if got := store(c.body); got != c.want {
			t.Errorf("%d: %s is unique: %v", i, c.body, got)
		}
	}
}
