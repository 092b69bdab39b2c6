package httpapi_test

import (
	"testing"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
	"annals/transport/secrets"
)

const (
	ann     = "11111111-1111-4111-8111-111111111111"
	unknown = "99999999-9999-4999-8999-999999999999"
)

type fields = map[string]any

// newAgent makes and starts an agent.
func (s *fixture) newAgent(name string) string {
	s.T.Helper()
	id := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": name, "bio": []string{"b"}}}).Is(201).Text("id")
	s.Ask("POST", "/api/agents/"+id+"/start", nil).Is(200)
	return id
}

func TestAnAgentIsCreatedStartedChangedStoppedAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	made := s.Ask("POST", "/api/agents", fields{"characterJson": fields{
		"name": "Golden Agent", "bio": "one line", "settings": fields{"model": "m", "secrets": fields{"K": "plain", "N": 5}},
	}}).Is(201)
	id := made.Text("id")
	if id != "ce2cf3ef-0484-0575-9d0c-c3de04297510" {
		t.Errorf("the id is %s", id)
	}
	if !secrets.IsEncrypted(made.Text("character.settings.secrets.K")) || made.At("character.settings.secrets.N") != 5.0 {
		t.Errorf("secrets: %s", made.Body)
	}
	path := "/api/agents/" + id
	if shown := s.Ask("GET", path, nil).Is(200); shown.Text("status") != queries.Inactive || shown.Header.Get("ETag") != `"r0"` {
		t.Errorf("created: %s %s", shown.Header.Get("ETag"), shown.Body)
	}
	if started := s.Ask("POST", path+"/start", nil).Is(200); started.Text("status") != queries.Active || started.Text("name") != "Golden Agent" {
		t.Errorf("started: %s", started.Body)
	}
	s.Ask("POST", path+"/start", nil).Is(200)
	changed := s.Ask("PATCH", path, fields{"bio": []string{"two"}, "zzz": 1, "settings": fields{"model": nil, "secrets": fields{"K": nil, "NEW": "v"}}}).Is(200)
	if changed.At("settings.model") != nil || changed.At("settings.secrets.K") != nil || !secrets.IsEncrypted(changed.Text("settings.secrets.NEW")) {
		t.Errorf("changed: %s", changed.Body)
	}
	s.Ask("GET", "/api/agents/", nil).Is(200)
	s.Ask("POST", path+"/stop", nil).Is(200)
	s.Ask("POST", path+"/stop", nil).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", path, nil).Is(204)
	s.Ask("GET", path, nil).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", path, nil).Refused(404, problem.CodeNotFound)
}

func TestServersChannelsAndTheirMembersCanBeMadeAndRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Member")
	server := s.Ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "t", "metadata": fields{"k": 1}}).Is(201).Text("server.id")
	members := "/api/messaging/servers/" + server + "/agents"
	s.Ask("POST", members, fields{"agentId": agent}).Is(201)
	if got := s.Ask("GET", members, nil).Is(200).At("agents").([]any); len(got) != 1 || got[0] != agent {
		t.Errorf("agents of the server: %v", got)
	}
	s.Ask("GET", "/api/messaging/servers/0", nil).Is(200)
	s.Ask("DELETE", members+"/"+agent, nil).Is(200)

	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "G", "server_id": server, "participantCentralUserIds": []string{ann}, "metadata": fields{"isDm": true, "user1": ann},
	}).Is(201).Text("id")
	path := "/api/messaging/central-channels/" + channel
	s.Ask("POST", path+"/agents", fields{"agentId": agent}).Is(201)
	var participants []string
	s.Ask("GET", path+"/participants", nil).Is(200).Data(&participants)
	if len(participants) != 2 || participants[0] != ann || participants[1] != agent {
		t.Errorf("participants: %v", participants)
	}
	s.Ask("DELETE", path+"/agents/"+agent, nil).Is(200)
	s.Ask("DELETE", path+"/agents/"+agent, nil).Refused(404, problem.CodeNotFound)
	renamed := s.Ask("PATCH", path, fields{"name": "H", "participantCentralUserIds": []string{agent}}).Is(200)
	if renamed.Text("name") != "H" || renamed.At("metadata.isDm") != true {
		t.Errorf("renamed: %s", renamed.Body)
	}
	list := s.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200)
	if n := len(list.At("channels").([]any)); n != 1 || list.Header.Get("X-Total-Count") != "1" {
		t.Errorf("%d channels: %s", n, list.Body)
	}
	s.Ask("DELETE", path, nil).Is(204)
	s.Ask("DELETE", path, nil).Is(204)
	s.Ask("GET", path+"/details", nil).Refused(404, problem.CodeNotFound)
}

func TestTwoFindTheSameDirectChannelHoweverTheyAsk(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ask := func(one, other string) string {
		return s.Ask("GET", "/api/messaging/dm-channel?targetUserId="+one+"&currentUserId="+other, nil).Is(200).Text("id")
	}
	if a, b := ask(ann, unknown), ask(unknown, ann); a != b {
		t.Errorf("%s and %s", a, b)
	}
	s.Ask("GET", "/api/messaging/dm-channel?targetUserId="+ann+"&currentUserId="+ann, nil).Refused(400, problem.CodeInvalidRequest)
	s.Ask("GET", "/api/messaging/dm-channel?targetUserId="+ann, nil).Refused(400, problem.CodeInvalidRequest)
}

const chat = "/api/messaging/central-channels/aaaaaaaa-0000-4000-8000-000000000001"

func TestAFirstMessageMakesItsChannelAndIsReadBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	posted := s.Ask("POST", chat+"/messages", fields{
		"author_id": ann, "content": "hello", "server_id": "0", "raw_message": fields{"thought": "hm"},
		"metadata": fields{"user_display_name": "Ann", "channelType": "DM", "targetUserId": unknown},
	}).Is(201)
	if posted.Text("author_display_name") != "Ann" || posted.Text("source_type") != "eliza_gui" {
		t.Errorf("posted: %s", posted.Body)
	}
	details := s.Ask("GET", chat+"/details", nil).Is(200)
	if details.Text("name") != "DM aaaaaaaa" || details.Text("metadata.created_for_user") != ann {
		t.Errorf("channel: %s", details.Body)
	}
	var list struct{ Messages []queries.Message }
	s.Ask("GET", chat+"/messages", nil, "X-Annals-After", posted.Header.Get("X-Annals-Position")).Is(200).Data(&list)
	if len(list.Messages) != 1 || list.Messages[0].Content != "hello" {
		t.Fatalf("messages: %+v", list)
	}
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": 42, "server_id": "0", "in_reply_to_message_id": posted.Text("id")}).Is(201)
	message := "/api/messaging/messages/" + posted.Text("id")
	if edited := s.Ask("PATCH", message, fields{"content": "changed"}).Is(200); edited.Text("content") != "changed" {
		t.Errorf("edited: %s", edited.Body)
	}
	if n := len(s.Ask("GET", chat+"/messages?limit=0", nil).Is(200).At("messages").([]any)); n != 0 {
		t.Errorf("%d messages with limit 0", n)
	}
	before := s.Ask("GET", message, nil).Is(200).At("created_at").(float64)
	if n := len(s.Ask("GET", chat+"/messages?before="+jsonText(before), nil).Is(200).At("messages").([]any)); n != 0 {
		t.Errorf("%d messages before the first", n)
	}
	s.Ask("DELETE", chat+"/messages/"+posted.Text("id"), nil).Is(204)
	s.Ask("DELETE", chat+"/messages/"+posted.Text("id"), nil).Is(204)
	s.Ask("GET", message, nil).Refused(404, problem.CodeNotFound)
	s.Ask("PATCH", message, fields{"content": "x"}).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", chat+"/messages", nil).Is(204)
	if n := len(s.Ask("GET", chat+"/messages", nil).Is(200).At("messages").([]any)); n != 0 {
		t.Errorf("%d messages in a cleared channel", n)
	}
}

func TestMessagesComeInFromElsewhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "first", "server_id": "0"}).Is(201)
	channel := chat[len("/api/messaging/central-channels/"):]
	s.Ask("POST", "/api/messaging/submit", fields{
		"channel_id": channel, "server_id": "0", "author_id": unknown, "content": "x", "source_type": "s", "raw_message": fields{},
	}).Is(201)
	outside := fields{
		"channel_id": channel, "server_id": "guild", "author_id": "discord-user-1", "content": "from outside",
		"source_type": "discord", "source_id": "d-1", "author_display_name": "Ext",
	}
	first := s.Ask("POST", "/api/messaging/ingest-external", outside).Is(202).Text("messageId")
	if again := s.Ask("POST", "/api/messaging/ingest-external", outside).Is(202).Text("messageId"); again != first {
		t.Errorf("the same message came in twice: %s, %s", first, again)
	}
	shown := s.Ask("GET", "/api/messaging/messages/"+first, nil).Is(200)
	if shown.Text("metadata.externalAuthorId") != "discord-user-1" ||
		shown.Text("authorId") != events.StringToUUID("discord:discord-user-1").String() {
		t.Errorf("message: %s", shown.Body)
	}
	s.Ask("POST", "/api/messaging/complete", fields{"channel_id": channel, "server_id": "0"}).Is(200)
	s.Ask("POST", "/api/messaging/complete", fields{"channel_id": unknown, "server_id": "0"}).Is(200)
	outside["channel_id"] = unknown
	s.Ask("POST", "/api/messaging/ingest-external", outside).Refused(404, problem.CodeNotFound)
}

func TestTheReplyIsInTheAnswerOfWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Replying")
	dm := s.Ask("GET", "/api/messaging/dm-channel?targetUserId="+agent+"&currentUserId="+ann, nil).Is(200).Text("id")
	posted := make(chan answered)
	go func() {
		posted <- s.Ask("POST", "/api/messaging/central-channels/"+dm+"/messages?wait=reply",
			fields{"author_id": ann, "content": "hi", "server_id": "0"})
	}()
	// The agent: it answers what it hears.
	for e, err := range s.Store.Subscribe(t.Context(), 0, events.Filter{}) {
		must(t, err)
		said, ok := e.Event.(events.MessageSubmitted)
		if !ok {
			continue
		}
		reply := frame.NewID()
		must(t, httpapitest.Do(s.Env, commands.SubmitMessage{MessageID: reply, ChannelID: said.ChannelID, AuthorID: said.Audience[0], Content: "ho", InReplyTo: said.MessageID}))
		must(t, httpapitest.Do(s.Env, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
			TurnID: frame.NewID(), ChannelID: said.ChannelID, AgentID: said.Audience[0], MessageID: said.MessageID, ReplyID: reply, Outcome: events.TurnReplied,
		}}))
		break
	}
	got := <-posted
	replies, _ := got.Is(201).At("replies").([]any)
	if len(replies) != 1 || replies[0].(map[string]any)["content"] != "ho" {
		t.Errorf("replies: %s", got.Body)
	}
}
