package httpapi_test

import (
	"testing"

	"annals/transport/problem"
)

// The recorded server takes an object or a list on every route, also where nothing in it counts.
func TestABodyThatIsNeitherObjectNorListIsRefusedByEveryRoute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Read")
	group := s.Ask("POST", "/api/messaging/central-channels", fields{"name": "g", "server_id": "0", "participantCentralUserIds": []string{ann}}).Is(201).Text("id")
	for _, body := range []string{`"text"`, `5`, `null`, `true`, " \ufeff", "\ufeffnull", "x", " \r\n"} {
		for _, route := range [][2]string{
			{"POST", "/api/agents/" + agent + "/start"},
			{"POST", "/api/server/logs"},
			{"POST", "/api/messaging/servers"},
			{"PATCH", "/api/messaging/central-channels/" + group},
			{"PATCH", "/api/agents/" + agent},
		} {
			s.Ask(route[0], route[1], body).Refused(400, problem.CodeInvalidRequest)
		}
	}
	s.Ask("POST", "/api/agents/"+agent+"/start", "\ufeff {}").Is(200)
}

func TestABodyInAnotherEncodingIsRefusedAndEveryRefusalNamesItsOwn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body := fields{"name": "S", "sourceType": "x"}
	for _, typ := range []string{"application/json; charset=latin1", `application/json; Charset="UTF-16"`} {
		s.Ask("POST", "/api/messaging/servers", body, "Content-Type", typ).Refused(400, problem.CodeContentType)
	}
	for _, typ := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"} {
		s.Ask("POST", "/api/messaging/servers", body, "Content-Type", typ).Is(201)
	}
	for _, path := range []string{"/api/agents/x", "/api/agents/" + unknown, "/api/nowhere", "/api/agents?limit=x"} {
		if typ := s.Ask("GET", path, nil).Header.Get("Content-Type"); typ != "application/json; charset=utf-8" {
			t.Errorf("%s is refused as %s", path, typ)
		}
	}
}
