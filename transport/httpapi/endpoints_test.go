package httpapi_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
)

// named are the routes of testdata/endpoints.tsv: those that ElizaOS's documentation, its server and its client package name.
func named(t *testing.T) (all []frame.Route) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "endpoints.tsv"))
	must(t, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if columns := strings.Split(s.Text(), "\t"); !strings.HasPrefix(s.Text(), "#") {
			all = append(all, frame.Route{Method: columns[0], Path: columns[1]})
		}
	}
	return all
}

// others are the paths that are not of this package's API: their routes are tested where they are.
var others = []string{"/api/audio/", "/api/tee/", "/socket.io/"}

func isOthers(path string) bool {
	return slices.ContainsFunc(others, func(start string) bool { return strings.HasPrefix(path, start) })
}

// shown is what an answer has, besides being as it is described, by the route's method and path.
var shown = map[string]string{
	"GET /api/agents":                            "data.agents.0.id data.agents.0.name data.agents.0.characterName data.agents.0.bio data.agents.0.status",
	"POST /api/agents":                           "data.id data.character.name",
	"GET /api/agents/worlds":                     "data.worlds.0.id data.worlds.0.agentId data.worlds.0.name data.worlds.0.serverId",
	"GET /api/agents/:agentId":                   "data.id data.enabled data.createdAt data.updatedAt data.name data.username data.bio data.settings data.style data.plugins data.status",
	"PATCH /api/agents/:agentId":                 "data.id data.system data.status",
	"DELETE /api/agents/:agentId":                "",
	"POST /api/agents/:agentId/start":            "data.id data.name data.status",
	"POST /api/agents/:agentId/stop":             "data.message",
	"GET /api/agents/:agentId/logs":              "data.0.id data.0.createdAt data.0.entityId data.0.body data.0.type data.0.roomId",
	"DELETE /api/agents/:agentId/logs/:logId":    "",
	"GET /api/agents/:agentId/logs/stream":       "",
	"GET /api/agents/:agentId/worlds":            "data.worlds.0.id",
	"POST /api/agents/:agentId/worlds":           "data.world.id data.world.name data.world.agentId data.world.serverId data.world.createdAt",
	"PATCH /api/agents/:agentId/worlds/:worldId": "data.world.id data.world.name",
	"GET /api/agents/:agentId/panels":            "data",
	"GET /api/agents/:agentId/runs": "data.runs.0.runId data.runs.0.status data.runs.0.startedAt data.runs.0.messageId data.runs.0.roomId data.runs.0.entityId " +
		"data.runs.0.metadata data.runs.0.counts.modelCalls data.total data.hasMore",
	"GET /api/agents/:agentId/runs/:runId": "data.summary.runId data.summary.status data.summary.counts.actions data.events.0.type data.events.0.timestamp data.events.0.data",

	"POST /api/messaging/submit":             "data.id data.channelId data.authorId data.content data.rawMessage data.sourceType data.inReplyToRootMessageId data.createdAt data.updatedAt",
	"POST /api/messaging/action":             "data.id data.channelId data.authorId data.content data.rawMessage data.sourceType data.createdAt data.updatedAt",
	"PATCH /api/messaging/action/:messageId": "data.id data.channelId data.authorId data.content data.rawMessage data.createdAt data.updatedAt",
	"POST /api/messaging/complete":           "message",
	"POST /api/messaging/ingest-external":    "message data.messageId",
	"GET /api/messaging/message-servers": "data.messageServers.0.id data.servers.0.id data.servers.0.name data.servers.0.sourceType data.servers.0.createdAt " +
		"data.servers.0.updatedAt",
	"POST /api/messaging/message-servers":                             "data.server.id data.server.name data.server.sourceType data.server.sourceId data.server.createdAt data.server.updatedAt",
	"GET /api/messaging/message-server/current":                       "data.messageServerId",
	"GET /api/messaging/message-servers/:serverId":                    "data.server.id data.server.name",
	"DELETE /api/messaging/message-servers/:serverId":                 "",
	"GET /api/messaging/message-servers/:serverId/channels":           "data.channels.0.id data.channels.0.messageServerId data.channels.0.name data.channels.0.type data.channels.0.createdAt",
	"GET /api/messaging/message-servers/:serverId/agents":             "data.messageServerId data.serverId data.agents.0",
	"POST /api/messaging/message-servers/:serverId/agents":            "data.messageServerId data.serverId data.agentId data.message",
	"DELETE /api/messaging/message-servers/:serverId/agents/:agentId": "data.messageServerId data.serverId data.agentId data.message",
	"POST /api/messaging/message-servers/:serverId/sync-channels":     "data.synced data.channels.0",
	"GET /api/messaging/agents/:agentId/message-servers":              "data.agentId data.messageServers.0 data.servers.0",
	"GET /api/messaging/channels/:channelId/messages": "data.messages.0.id data.messages.0.channelId data.messages.0.authorId data.messages.0.content " +
		"data.messages.0.createdAt data.messages.0.created_at data.messages.0.updated_at data.messages.0.metadata data.messages.0.sourceType",
	"POST /api/messaging/channels/:channelId/messages": "data.id data.channel_id data.message_server_id data.server_id data.author_id data.content data.created_at " +
		"data.source_type data.metadata userMessage.id userMessage.message_server_id",
	"DELETE /api/messaging/channels/:channelId/messages":            "",
	"DELETE /api/messaging/channels/:channelId/messages/:messageId": "",
	"GET /api/messaging/messages/:messageId":                        "data.id data.channelId data.content",
	"PATCH /api/messaging/messages/:messageId":                      "data.id data.channelId data.content",
	"POST /api/messaging/messages/search":                           "data.messages.0.id data.messages.0.content",
	"POST /api/messaging/channels": "data.id data.messageServerId data.name data.type data.metadata data.createdAt data.updatedAt " +
		"data.channel.id data.channel.messageServerId data.channel.name data.channel.type data.channel.createdAt",
	"GET /api/messaging/dm-channel":                             "data.id data.name data.type data.messageServerId data.metadata.user1 data.metadata.user2",
	"GET /api/messaging/channels/:channelId/details":            "data.id data.messageServerId data.name data.type data.createdAt data.updatedAt",
	"PATCH /api/messaging/channels/:channelId":                  "data.id data.name data.updatedAt",
	"DELETE /api/messaging/channels/:channelId":                 "",
	"GET /api/messaging/channels/:channelId/participants":       "data.0 data.1",
	"GET /api/messaging/channels/:channelId/agents":             "data.channelId data.participants.0",
	"POST /api/messaging/channels/:channelId/agents":            "data.channelId data.agentId data.message",
	"DELETE /api/messaging/channels/:channelId/agents/:agentId": "data.channelId data.agentId data.message",
	"POST /api/messaging/channels/:channelId/generate-title":    "data.title data.channelId",
	"POST /api/messaging/channels/:channelId/abort":             "data.aborted",
	"POST /api/messaging/channels/:channelId/upload-media":      "data.url data.type data.filename data.originalName data.size",

	"GET /api/messaging/sessions": "sessions.0.sessionId total stats.totalSessions stats.activeSessions stats.expiredSessions data.sessions",
	"POST /api/messaging/sessions": "sessionId channelId agentId userId createdAt metadata.platform expiresAt timeoutConfig.timeoutMinutes " +
		"timeoutConfig.autoRenew timeoutConfig.maxDurationMinutes timeoutConfig.warningThresholdMinutes",
	"GET /api/messaging/sessions/health": "status activeSessions timestamp expiringSoon uptime",
	"GET /api/messaging/sessions/:sessionId": "sessionId channelId agentId userId createdAt lastActivity metadata expiresAt timeoutConfig.timeoutMinutes " +
		"renewalCount timeRemaining isNearExpiration",
	"GET /api/messaging/sessions/:sessionId/messages": "messages.0.id messages.0.content messages.0.authorId messages.0.isAgent messages.0.createdAt " +
		"messages.0.metadata hasMore cursors.before cursors.after",
	"POST /api/messaging/sessions/:sessionId/messages": "success userMessage.id userMessage.channel_id userMessage.content data.userMessage.id " +
		"sessionStatus.expiresAt sessionStatus.renewalCount sessionStatus.wasRenewed sessionStatus.isNearExpiration",
	"POST /api/messaging/sessions/:sessionId/renew":     "sessionId renewalCount expiresAt",
	"POST /api/messaging/sessions/:sessionId/heartbeat": "sessionId lastActivity",
	"PATCH /api/messaging/sessions/:sessionId/timeout":  "sessionId timeoutConfig.timeoutMinutes",
	"DELETE /api/messaging/sessions/:sessionId":         "success message",

	"GET /api/messaging/jobs":           "jobs.0.jobId total filtered data.jobs",
	"POST /api/messaging/jobs":          "jobId status createdAt expiresAt",
	"GET /api/messaging/jobs/health":    "healthy timestamp totalJobs statusCounts.pending statusCounts.processing metrics.successRate maxJobs",
	"GET /api/messaging/jobs/:jobId":    "jobId status agentId userId prompt createdAt expiresAt metadata",
	"DELETE /api/messaging/jobs/:jobId": "jobId status",

	"GET /media/uploads/agents/:agentId/:filename":     "",
	"GET /media/uploads/channels/:channelId/:filename": "",
	"GET /media/generated/:agentId/:filename":          "",

	"GET /api/server/ping":          "pong timestamp data.pong",
	"GET /api/server/hello":         "message data.message",
	"GET /api/server/health":        "status version timestamp dependencies.agents",
	"GET /health":                   "status version timestamp dependencies.agents agentCount data.status",
	"GET /healthz":                  "status timestamp data.status",
	"GET /api/server/status":        "status agentCount timestamp",
	"POST /api/server/stop":         "message",
	"GET /api/server/debug/state":   "data.agents.0.id data.uptime data.sockets data.subscriptions.0.group data.projections",
	"GET /api/server/debug/metrics": "data.uptime data.metrics",
	"GET /api/server/debug/servers": "success servers.0.id count",
	"GET /api/server/logs":          "logs count total requestedLevel agentName agentId levels.8",
	"POST /api/server/logs":         "logs count total requestedLevel agentName agentId levels.8",
	"DELETE /api/server/logs":       "status message",
	"GET /api/server/logs/stream":   "",
	"GET /api/system/config":        "data",
	"GET /api/system/version":       "version annals compatible.1 source timestamp environment uptime",
	"GET /api/system/env":           "data.DATA_DIR",
	"GET /api/system/env/local":     "data",
	"POST /api/system/env/local":    "message",
	"GET /api/system/capabilities":  "data.models.0.kind data.models.0.name",
}

// things are what there is for a request to be about, under the names of parameters.
type things map[string]string

// peopled makes an agent, what belongs to it, and a conversation with it.
func (s *fixture) peopled(number int) things {
	s.T.Helper()
	agent := s.newAgent("Agent " + strconv.Itoa(number))
	of := "/api/agents/" + agent
	server := s.Ask("POST", "/api/messaging/servers", fields{"name": "Library", "sourceType": "test"}).Is(201).Text("server.id")
	s.Ask("POST", "/api/messaging/servers/"+server+"/agents", fields{"agentId": agent}).Is(201)
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "Talk", "server_id": server, "participantCentralUserIds": []string{agent, ann},
	}).Is(201).Text("id")
	message := ""
	for _, said := range []string{"At home", "two", "three", "four"} {
		message = s.Ask("POST", "/api/messaging/central-channels/"+channel+"/messages", fields{"author_id": ann, "content": said, "server_id": server}).Is(201).Text("id")
	}
	session := s.Ask("POST", "/api/messaging/sessions", fields{"agentId": agent, "userId": ann}).Is(201).Text("sessionId")
	s.Ask("POST", "/api/messaging/sessions/"+session+"/messages", fields{"content": "At home"}).Is(201)
	job := s.Ask("POST", "/api/messaging/jobs", fields{"agentId": agent, "userId": ann, "content": "At home"}).Is(201).Text("jobId")
	world := s.Ask("POST", of+"/worlds", fields{"name": "Home"}).Is(201).Text("world.id")
	room := s.Ask("POST", of+"/rooms", fields{"name": "Study", "worldId": world}).Is(201).Text("id")
	memory := s.Ask("POST", of+"/memories", fields{"text": "tea", "roomId": room}).Is(201).Text("id")
	uploaded := s.upload("/api/media/agents/"+agent+"/upload", "a.txt", "text/plain", "words").Is(200)
	inChannel := s.upload("/api/media/channels/"+channel+"/upload", "a.txt", "text/plain", "words").Is(200)
	made := commands.UploadFile{
		FileID: frame.NewID(), Owner: events.FileByGenerator, OwnerID: uuid.MustParse(agent), Filename: "made.txt", Name: "made.txt", Type: "text/plain",
		Size: int64(len("words")), SHA256: uploaded.Text("sha256"),
	}
	must(s.T, httpapitest.Do(s.Env, made))
	log := s.did(agent, "useModel:TEXT_LARGE", `{"modelType":"TEXT_LARGE"}`)
	s.CaughtUp()
	return things{
		"agentId": agent, "serverId": server, "channelId": channel, "messageId": message, "worldId": world, "roomId": room, "memoryId": memory,
		"logId": log, "groupId": world, "sessionId": session, "jobId": job, "runId": events.TurnID(uuid.MustParse(message), uuid.MustParse(agent)).String(), "fileId": uploaded.Text("id"),
		"/media/uploads/agents/": uploaded.Text("filename"), "/media/uploads/channels/": inChannel.Text("filename"), "/media/generated/": made.Filename,
	}
}

// about puts what is there in the place of a route's parameters.
func (th things) about(path string) string {
	at := routeParameter.ReplaceAllStringFunc(path, func(p string) string {
		if strings.Contains(path, "/memory/groups/") {
			return th["groupId"] // called serverId in some of these
		}
		for start, filename := range th {
			if p == ":filename" && strings.HasPrefix(path, start) {
				return filename
			}
		}
		return th[strings.TrimPrefix(p, ":")]
	})
	switch {
	case strings.HasSuffix(path, "/dm-channel"):
		at += "?targetUserId=" + th["agentId"] + "&currentUserId=" + ann
	case strings.HasSuffix(path, "/memories/search"):
		at += "?q=tea"
	}
	return at
}

// examples puts what is there in the place of what the description's examples are about.
func (th things) examples() *strings.Replacer {
	return strings.NewReplacer(
		example.Agent.String(), th["agentId"], example.Channel.String(), th["channelId"], example.Message.String(), th["messageId"],
		example.World.String(), th["worldId"], example.Room.String(), th["roomId"],
	)
}

func TestEveryRouteThatIsNamedIsThereAndItsExampleWorks(t *testing.T) {
	t.Parallel()
	s := serve(t)
	served := map[string]described{}
	for _, d := range s.operations() {
		served[d.method+" "+pathParameter.ReplaceAllString(d.path, "{}")] = d
	}
	number, there := 0, s.peopled(0)
	named := named(t)
	if len(named) < 125 {
		t.Fatalf("only %d routes are named", len(named))
	}
	for _, r := range named {
		d, ok := served[r.Method+" "+routeParameter.ReplaceAllString(formerly.Replace(r.Path), "{}")]
		switch {
		case isOthers(r.Path):
			continue
		case !ok:
			t.Errorf("%s %s is not there", r.Method, r.Path)
			continue
		case r.Path == "/api/server/stop": // at the end
			continue
		}
		s.works(r, d, there)
		if r.Method == "DELETE" || strings.HasSuffix(r.Path, "/stop") {
			number++
			there = s.peopled(number)
		}
	}
	s.works(frame.Route{Method: "POST", Path: "/api/server/stop"}, served["POST /api/server/stop"], there)
	<-s.Stopped
}

// works asks as the description's example does, and looks at the answer.
func (s *fixture) works(r frame.Route, d described, there things) {
	s.T.Helper()
	if d.goesOn() {
		next, leave := s.follows(there.about(r.Path))
		defer leave()
		s.did(there["agentId"], "action", `{}`)       // an agent does something,
		s.Ask("GET", "/api/server/ping", nil).Is(200) // and the server, too
		if e := next(); e.name != "log" || e.data == "" {
			s.T.Errorf("%s %s tells of %+v", r.Method, r.Path, e)
		}
		return
	}
	body, headers := d.exampleBody(s.T)
	if text, ok := body.(string); ok {
		body = there.examples().Replace(text)
	}
	got := s.Ask(r.Method, there.about(r.Path), body, headers...)
	if success := d.success(); got.Status != success {
		s.T.Errorf("%s %v: status %d, not %d: %.300s", got.What, body, got.Status, success, got.Body)
		return
	}
	keys, ok := shown[r.Method+" "+formerly.Replace(r.Path)]
	if !ok && !strings.Contains(r.Path, "emor") && !strings.Contains(r.Path, "/rooms") && !strings.HasPrefix(r.Path, "/api/media/") {
		s.T.Errorf("what %s %s shows is not told", r.Method, r.Path)
	}
	for _, key := range strings.Fields(keys) {
		if got.Field(key) == nil {
			s.T.Errorf("%s shows no %s: %.300s", got.What, key, got.Body)
		}
	}
	if strings.HasPrefix(r.Path, "/media/") && string(got.Body) != "words" {
		s.T.Errorf("%s: %q", got.What, got.Body)
	}
}

// success is the status of an operation that does all that is asked for.
func (d described) success() int {
	if d.Responses[strconv.Itoa(d.DefaultStatus)] != nil {
		return d.DefaultStatus
	}
	for _, status := range []int{200, 201, 202, 204} {
		if d.Responses[strconv.Itoa(status)] != nil {
			return status
		}
	}
	return 0
}
