package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/media"
	"annals/transport/problem"
)

// pixel is a PNG of one.
var pixel = func() string {
	b, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return string(b)
}()

const (
	agentUploads = "/api/media/agents/" + ann
	chatUploads  = "/api/messaging/channels/" + ann
)

// form is a body with one file, and its content type.
func form(t testing.TB, field, name, typ, content string) (string, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, field, name)}}
	if typ != "" {
		h.Set("Content-Type", typ)
	}
	part, err := w.CreatePart(h)
	must(t, err)
	_, err = part.Write([]byte(content))
	must(t, err)
	must(t, w.Close())
	return b.String(), w.FormDataContentType()
}

// uploader makes the agent of agentUploads.
func (s *fixture) uploader() {
	s.T.Helper()
	must(s.T, httpapitest.Do(s.Env, commands.CreateAgent{AgentID: uuid.MustParse(ann), Character: events.Character{Name: "Ann"}}))
}

func (s *fixture) upload(path, name, typ, content string, headers ...string) answered {
	s.T.Helper()
	body, is := form(s.T, "file", name, typ, content)
	return s.Ask("POST", path, body, append([]string{"Content-Type", is}, headers...)...)
}

func TestAFileIsUploadedAndServedAsItCame(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	for path, kind := range map[string]string{
		agentUploads + "/upload-media": "image", agentUploads + "/upload": "image",
		"/api/media/channels/" + ann + "/upload-media": "image/png", "/api/media/channels/" + ann + "/upload": "image/png",
		chatUploads + "/upload-media": "image/png", "/api/messaging/central-channels/" + ann + "/upload-media": "image/png",
	} {
		up := s.upload(path, "Über mich.PNG", "image/png", pixel).Is(200)
		if up.Text("type") != kind || up.Text("originalName") != "Über mich.PNG" || up.At("size") != 70.0 || up.At("width") != 1.0 ||
			up.Text("mimeType") != "image/png" || !regexp.MustCompile(`^\d{13}-\d+\.png$`).MatchString(up.Text("filename")) {
			t.Errorf("%s: %s", path, up.Body)
		}
		for _, at := range []string{up.Text("url"), "/api/media/files/" + up.Text("id")} {
			got := s.Ask("GET", at, nil).Is(200)
			h := got.Header
			if string(got.Body) != pixel || h.Get("Content-Type") != "image/png" || h.Get("Accept-Ranges") != "bytes" ||
				h.Get("Content-Disposition") != "inline; filename*=utf-8''%C3%9Cber%20mich.PNG" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v %d bytes", at, h, len(got.Body))
			}
			s.Ask("GET", at, nil, "If-None-Match", h.Get("ETag")).Is(304)
			part := s.Ask("GET", at, nil, "Range", "bytes=1-3").Is(206)
			if string(part.Body) != "PNG" || part.Header.Get("Content-Range") != "bytes 1-3/70" {
				t.Errorf("%s: part %q %s", at, part.Body, part.Header.Get("Content-Range"))
			}
			s.Ask("GET", at, nil, "Range", "bytes=70-").Refused(416, problem.CodeInvalidRequest)
			if head := s.Ask("HEAD", at, nil).Is(200); head.Header.Get("Content-Length") != "70" || len(head.Body) > 0 {
				t.Errorf("HEAD %s: %v", at, head.Header)
			}
		}
	}
}

func TestWhatAFileIsDecidesItsBytes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	pdf := "%PDF-1.4\n%âãÏÓ\n"
	for _, c := range []struct{ name, typ, content, is, ending string }{
		{"p.jpg", "image/jpeg", pixel, "image/png", ".png"}, // a picture of another kind
		{"p", "", pixel, "image/png", ".png"},
		{"p.png", "application/octet-stream", pixel, "image/png", ".png"},
		{"page.html", "text/plain", "<html><script>alert(1)</script>", "text/plain", ".txt"},
		{"read.MD", "text/markdown", "# hello", "text/plain", ".md"},
		{"d.pdf", "application/pdf", pdf, "application/pdf", ".pdf"},
		{"s.wav", "audio/x-wav", "RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", ".wav"},
		{"s.mp3", "audio/mpeg", "\xff\xfb\x90\x64" + strings.Repeat("\x00", 413) + "\xff\xfb\x90\x64" + strings.Repeat("\x00", 413), "audio/mpeg", ".mp3"},
		{"v.webm", "video/webm", "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video/webm", ".webm"},
		{"a.webm", "audio/webm", "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "audio/webm", ".webm"},
		{"empty.txt", "text/plain", "", "text/plain", ".txt"},
	} {
		up := s.upload(agentUploads+"/upload", c.name, c.typ, c.content)
		if up.Status != 200 {
			t.Errorf("%s as %s: %s", c.name, c.typ, up.Body)
			continue
		}
		if up.Text("mimeType") != c.is || !strings.HasSuffix(up.Text("url"), c.ending) {
			t.Errorf("%s as %s: %s", c.name, c.typ, up.Body)
		}
		got := s.Ask("GET", up.Text("url"), nil).Is(200)
		if !strings.HasPrefix(got.Header.Get("Content-Type"), c.is) || string(got.Body) != c.content {
			t.Errorf("%s is served as %s", c.name, got.Header.Get("Content-Type"))
		}
		if saved := strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment"); saved != (c.is == "text/plain" || c.is == "application/pdf") {
			t.Errorf("%s: %s", c.name, got.Header.Get("Content-Disposition"))
		}
	}
	s.untouched(func() {
		for _, c := range []struct{ name, typ, content string }{
			{"z.zip", "application/zip", "PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
			{"z.png", "image/png", "PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
			{"p.pdf", "application/pdf", pixel},
			{"p.png", "image/png", "<html><script>alert(1)</script>"},
			{"p.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`},
			{"p.html", "text/html", "<html>"},
			{"p.png", "image/png", ""},
			{"p.png", "image/png", "\x89PNG\r\n\x1a\n and no more"},
			{"x.bin", "", "\x00\x01\x02\x03"},
		} {
			s.upload(agentUploads+"/upload-media", c.name, c.typ, c.content).Refused(415, problem.CodeFileType)
		}
	})
}

func TestAnUploadThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	s.untouched(func() {
		for _, path := range []string{agentUploads, chatUploads, "/api/media/channels/" + ann, "/api/messaging/central-channels/" + ann} {
			path += "/upload-media"
			s.Ask("POST", path, fields{}).Refused(400, problem.CodeInvalidRequest)
			s.Ask("POST", path, nil).Refused(400, problem.CodeInvalidRequest)
			s.Ask("POST", path, "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n", "Content-Type", "multipart/form-data; boundary=b").Refused(400, problem.CodeInvalidRequest)
			s.Ask("POST", path, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ncut", "Content-Type", "multipart/form-data; boundary=b").Refused(400, problem.CodeInvalidRequest)
			other, typ := form(t, "other", "p.png", "image/png", pixel)
			s.Ask("POST", path, other, "Content-Type", typ).Refused(400, problem.CodeInvalidRequest)
			s.upload(strings.Replace(path, ann, "nope", 1), "p.png", "image/png", pixel).Refused(400, problem.CodeInvalidID)
			s.upload(path, "p.txt", "text/plain", strings.Repeat("a", media.MaxSize+1)).Refused(413, problem.CodeTooLarge)
		}
		for _, name := range []string{"../p.png", "a/b.png", "a..b.png"} {
			s.upload(chatUploads+"/upload-media", name, "image/png", pixel).Refused(400, problem.CodeInvalidRequest)
		}
	})
	if up := s.upload(agentUploads+"/upload", "../../etc/p.png", "image/png", pixel).Is(200); up.Text("originalName") != "p.png" {
		t.Errorf("%s", up.Body)
	}
}

func TestNothingElseIsServedAsAFile(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	up := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel).Is(200)
	name := up.Text("filename")
	for _, path := range []string{
		"/media/uploads/agents/" + ann + "/none.png", "/media/uploads/agents/" + ann + "/..%2F..%2Fx", "/media/uploads/agents/" + ann + "/../" + ann + "/x",
		"/media/uploads/channels/" + ann + "/" + name, "/media/generated/" + ann + "/" + name, "/media/uploads/agents/" + ann + "/" + up.Text("sha256"),
		"/media/uploads/agents/" + frame.NewID().String() + "/" + name, "/media/uploads/agents/" + ann + "/", "/media/", "/api/media/files/" + ann,
	} {
		s.Ask("GET", path, nil).Refused(404, problem.CodeNotFound)
	}
	for _, path := range []string{"/media/uploads/agents/nope/x.png", "/media/uploads/channels/nope/x.png", "/media/generated/nope/x.png", "/api/media/files/nope"} {
		s.Ask("GET", path, nil).Refused(400, problem.CodeInvalidID)
	}
}

func TestADeletedFileIsGone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	up := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel).Is(200)
	file := "/api/media/files/" + up.Text("id")
	s.Ask("DELETE", file, nil, "If-Match", `"r7"`).Refused(412, problem.CodeStale)
	s.Ask("DELETE", file, nil).Is(204)
	s.Ask("DELETE", file, nil).Is(204)
	s.Ask("GET", file, nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", up.Text("url"), nil).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", "/api/media/files/"+ann, nil).Refused(404, problem.CodeNotFound)

	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
	in := s.upload(chat+"/upload-media", "p.png", "image/png", pixel).Is(200)
	s.Ask("GET", in.Text("url"), nil).Is(200)
	s.Ask("DELETE", chat+"/messages", nil).Is(204)
	s.Ask("GET", in.Text("url"), nil).Refused(404, problem.CodeNotFound)
}

func TestARepeatedUploadIsOneFile(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.uploader()
	first := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel, "Idempotency-Key", "k").Is(200)
	s.untouched(func() {
		again := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel, "Idempotency-Key", "k").Is(200)
		if string(again.Body) != string(first.Body) {
			t.Errorf("%s, then %s", first.Body, again.Body)
		}
		s.upload(agentUploads+"/upload", "p.txt", "text/plain", "other", "Idempotency-Key", "k").Refused(409, problem.CodeConflict)
	})
}

func TestWithAKeyFilesAreServedToWhoHasItACookieOrASignature(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Key, o.Frame.Clock = "secret", func() time.Time { return now } })
	s.uploader()
	show := []string{"X-API-KEY", "secret"}
	s.upload(agentUploads+"/upload", "p.png", "image/png", pixel).Refused(401, problem.CodeAuthRequired)
	up := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel, show...).Is(200)
	url := up.Text("url")
	path, _, signed := strings.Cut(url, "?signature=")
	if !signed || !strings.HasSuffix(path, ".png") || !strings.HasSuffix(url, ".png") {
		t.Fatalf("url %s", url)
	}
	cookie := strings.Split(up.Header.Get("Set-Cookie"), ";")[0]
	for _, headers := range [][]string{show, {"Cookie", cookie}, {"Authorization", "Bearer secret"}} {
		s.Ask("GET", path, nil, headers...).Is(200)
	}
	s.Ask("GET", path, nil).Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", url, nil).Is(200)
	s.Ask("HEAD", url, nil).Is(200)
	other := s.upload(agentUploads+"/upload", "p.png", "image/png", pixel, show...).Is(200).Text("url")
	for _, wrong := range []string{
		strings.Replace(other, strings.Split(other, "?")[1], strings.Split(url, "?")[1], 1), path + "?signature=", path + "?signature=9999999999.abc.png",
		strings.Replace(url, "=1", "=2", 1), "/api/agents?signature=" + strings.Split(url, "=")[1], "/api/media/files/" + up.Text("id") + "?" + strings.Split(url, "?")[1],
	} {
		s.Ask("GET", wrong, nil).Refused(401, problem.CodeAuthRequired)
	}
	s.Ask("DELETE", "/api/media/files/"+up.Text("id"), nil, "Cookie", cookie).Refused(401, problem.CodeAuthRequired)

	// What comes back later is signed anew, whatever it was sent with.
	posted := fields{"author_id": ann, "content": "look", "server_id": "0", "metadata": fields{"attachments": []fields{{"url": url}, {"url": path}}}}
	s.Ask("POST", chat+"/messages", posted, show...).Is(201)
	now = now.Add(24*time.Hour + time.Second)
	s.Ask("GET", url, nil).Refused(401, problem.CodeAuthRequired)
	listed := string(s.Ask("GET", chat+"/messages", nil, show...).Is(200).Body)
	for _, m := range regexp.MustCompile(`"(/media/[^"]*)"`).FindAllStringSubmatch(listed, -1) {
		s.Ask("GET", m[1], nil).Is(200)
	}
	if strings.Count(listed, `"/media/`) < 2 {
		t.Errorf("listed: %s", listed)
	}
}

func TestUploadsHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.RateLimit = true })
	s.uploader()
	for _, c := range []struct {
		path, policy string
		most         int
	}{
		{chatUploads + "/upload-media", "50;w=900", 50},
		{"/api/media/channels/" + ann + "/upload-media", "100;w=900", 100},
	} {
		for range c.most {
			s.Ask("POST", c.path, fields{}).Refused(400, problem.CodeInvalidRequest)
		}
		denied := s.Ask("POST", c.path, fields{}).Refused(429, problem.CodeRateLimited)
		if h := denied.Header; h.Get("RateLimit-Policy") != c.policy || h.Get("Retry-After") == "" {
			t.Errorf("%s: %v", c.path, h)
		}
	}
	legacy := s.Ask("POST", "/api/media/channels/"+ann+"/upload-media", fields{})
	reset, err := strconv.ParseInt(legacy.Header.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || legacy.Header.Get("X-Ratelimit-Remaining") != "0" || time.Until(time.Unix(reset, 0)) > 16*time.Minute {
		t.Errorf("legacy headers: %v", legacy.Header)
	}
	if s.Ask("POST", agentUploads+"/upload-media", fields{}).Status != http.StatusBadRequest {
		t.Error("another route is limited with them")
	}
}

func TestUploadsForAgentsThatAreNotThereAreNotFound(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, path := range []string{agentUploads + "/upload", agentUploads + "/upload-media"} {
		s.untouched(func() { s.upload(path, "p.png", "image/png", pixel).Refused(404, problem.CodeNotFound) })
	}
	s.uploader()
	s.upload(agentUploads+"/upload", "p.png", "image/png", pixel).Is(200)
	s.Ask("DELETE", "/api/agents/"+ann, nil).Is(204)
	s.untouched(func() {
		s.upload(agentUploads+"/upload", "p.png", "image/png", pixel).Refused(404, problem.CodeNotFound)
	})
}
