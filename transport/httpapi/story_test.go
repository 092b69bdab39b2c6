package httpapi

import (
	"testing"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
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
	s.t.Helper()
	id := s.ask("POST", "/api/agents", fields{"characterJson": fields{"name": name, "bio": []string{"b"}}}).is(201).text("id")
	s.ask("POST", "/api/agents/"+id+"/start", nil).is(200)
	return id
}

func TestAnAgentIsCreatedStartedChangedStoppedAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	made := s.ask("POST", "/api/agents", fields{"characterJson": fields{
		"name": "Golden Agent", "bio": "one line", "settings": fields{"model": "m", "secrets": fields{"K": "plain", "N": 5}},
	}}).is(201)
	id := made.text("id")
	if id != "ce2cf3ef-0484-0575-9d0c-c3de04297510" {
		t.Errorf("the id is %s", id)
	}
	if !secrets.IsEncrypted(made.text("character.settings.secrets.K")) || made.at("character.settings.secrets.N") != 5.0 {
		t.Errorf("secrets: %s", made.body)
	}
	path := "/api/agents/" + id
	if shown := s.ask("GET", path, nil).is(200); shown.text("status") != queries.Inactive || shown.header.Get("ETag") != `"r0"` {
		t.Errorf("created: %s %s", shown.header.Get("ETag"), shown.body)
	}
	if started := s.ask("POST", path+"/start", nil).is(200); started.text("status") != queries.Active || started.text("name") != "Golden Agent" {
		t.Errorf("started: %s", started.body)
	}
	s.ask("POST", path+"/start", nil).is(200)
	changed := s.ask("PATCH", path, fields{"bio": []string{"two"}, "zzz": 1, "settings": fields{"model": nil, "secrets": fields{"K": nil, "NEW": "v"}}}).is(200)
	if changed.at("settings.model") != nil || changed.at("settings.secrets.K") != nil || !secrets.IsEncrypted(changed.text("settings.secrets.NEW")) {
		t.Errorf("changed: %s", changed.body)
	}
	s.ask("GET", "/api/agents/", nil).is(200)
	s.ask("POST", path+"/stop", nil).is(200)
	s.ask("POST", path+"/stop", nil).refused(404, problem.CodeNotFound)
	s.ask("DELETE", path, nil).is(204)
	s.ask("GET", path, nil).refused(404, problem.CodeNotFound)
	s.ask("DELETE", path, nil).refused(404, problem.CodeNotFound)
}

func TestServersChannelsAndTheirMembersCanBeMadeAndRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Member")
	server := s.ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "t", "metadata": fields{"k": 1}}).is(201).text("server.id")
	members := "/api/messaging/servers/" + server + "/agents"
	s.ask("POST", members, fields{"agentId": agent}).is(201)
	if got := s.ask("GET", members, nil).is(200).at("agents").([]any); len(got) != 1 || got[0] != agent {
		t.Errorf("agents of the server: %v", got)
	}
	s.ask("GET", "/api/messaging/servers/0", nil).is(200)
	s.ask("DELETE", members+"/"+agent, nil).is(200)

	channel := s.ask("POST", "/api/messaging/central-channels", fields{
		"name": "G", "server_id": server, "participantCentralUserIds": []string{ann}, "metadata": fields{"isDm": true, "user1": ann},
	}).is(201).text("id")
	path := "/api/messaging/central-channels/" + channel
	s.ask("POST", path+"/agents", fields{"agentId": agent}).is(201)
	var participants []string
	s.ask("GET", path+"/participants", nil).is(200).data(&participants)
	if len(participants) != 2 || participants[0] != ann || participants[1] != agent {
		t.Errorf("participants: %v", participants)
	}
	s.ask("DELETE", path+"/agents/"+agent, nil).is(200)
	s.ask("DELETE", path+"/agents/"+agent, nil).refused(404, problem.CodeNotFound)
	renamed := s.ask("PATCH", path, fields{"name": "H", "participantCentralUserIds": []string{agent}}).is(200)
	if renamed.text("name") != "H" || renamed.at("metadata.isDm") != true {
		t.Errorf("renamed: %s", renamed.body)
	}
	list := s.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200)
	if n := len(list.at("channels").([]any)); n != 1 || list.header.Get("X-Total-Count") != "1" {
		t.Errorf("%d channels: %s", n, list.body)
	}
	s.ask("DELETE", path, nil).is(204)
	s.ask("DELETE", path, nil).is(204)
	s.ask("GET", path+"/details", nil).refused(404, problem.CodeNotFound)
}

func TestTwoFindTheSameDirectChannelHoweverTheyAsk(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ask := func(one, other string) string {
		return s.ask("GET", "/api/messaging/dm-channel?targetUserId="+one+"&currentUserId="+other, nil).is(200).text("id")
	}
	if a, b := ask(ann, unknown), ask(unknown, ann); a != b {
		t.Errorf("%s and %s", a, b)
	}
	s.ask("GET", "/api/messaging/dm-channel?targetUserId="+ann+"&currentUserId="+ann, nil).refused(400, problem.CodeInvalidRequest)
	s.ask("GET", "/api/messaging/dm-channel?targetUserId="+ann, nil).refused(400, problem.CodeInvalidRequest)
}

const chat = "/api/messaging/central-channels/aaaaaaaa-0000-4000-8000-000000000001"

func TestAFirstMessageMakesItsChannelAndIsReadBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	posted := s.ask("POST", chat+"/messages", fields{
		"author_id": ann, "content": "hello", "server_id": "0", "raw_message": fields{"thought": "hm"},
		"metadata": fields{"user_display_name": "Ann", "channelType": "DM", "targetUserId": unknown},
	}).is(201)
	if posted.text("author_display_name") != "Ann" || posted.text("source_type") != "eliza_gui" {
		t.Errorf("posted: %s", posted.body)
	}
	details := s.ask("GET", chat+"/details", nil).is(200)
	if details.text("name") != "DM aaaaaaaa" || details.text("metadata.created_for_user") != ann {
		t.Errorf("channel: %s", details.body)
	}
	var list struct{ Messages []queries.Message }
	s.ask("GET", chat+"/messages", nil, "X-Annals-After", posted.header.Get("X-Annals-Position")).is(200).data(&list)
	if len(list.Messages) != 1 || list.Messages[0].Content != "hello" {
		t.Fatalf("messages: %+v", list)
	}
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": 42, "server_id": "0", "in_reply_to_message_id": posted.text("id")}).is(201)
	message := "/api/messaging/messages/" + posted.text("id")
	if edited := s.ask("PATCH", message, fields{"content": "changed"}).is(200); edited.text("content") != "changed" {
		t.Errorf("edited: %s", edited.body)
	}
	if n := len(s.ask("GET", chat+"/messages?limit=0", nil).is(200).at("messages").([]any)); n != 0 {
		t.Errorf("%d messages with limit 0", n)
	}
	before := s.ask("GET", message, nil).is(200).at("created_at").(float64)
	if n := len(s.ask("GET", chat+"/messages?before="+jsonText(before), nil).is(200).at("messages").([]any)); n != 0 {
		t.Errorf("%d messages before the first", n)
	}
	s.ask("DELETE", chat+"/messages/"+posted.text("id"), nil).is(204)
	s.ask("DELETE", chat+"/messages/"+posted.text("id"), nil).is(204)
	s.ask("GET", message, nil).refused(404, problem.CodeNotFound)
	s.ask("PATCH", message, fields{"content": "x"}).refused(404, problem.CodeNotFound)
	s.ask("DELETE", chat+"/messages", nil).is(204)
	if n := len(s.ask("GET", chat+"/messages", nil).is(200).at("messages").([]any)); n != 0 {
		t.Errorf("%d messages in a cleared channel", n)
	}
}

func TestMessagesComeInFromElsewhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "first", "server_id": "0"}).is(201)
	channel := chat[len("/api/messaging/central-channels/"):]
	s.ask("POST", "/api/messaging/submit", fields{
		"channel_id": channel, "server_id": "0", "author_id": unknown, "content": "x", "source_type": "s", "raw_message": fields{},
	}).is(201)
	outside := fields{
		"channel_id": channel, "server_id": "guild", "author_id": "discord-user-1", "content": "from outside",
		"source_type": "discord", "source_id": "d-1", "author_display_name": "Ext",
	}
	first := s.ask("POST", "/api/messaging/ingest-external", outside).is(202).text("messageId")
	if again := s.ask("POST", "/api/messaging/ingest-external", outside).is(202).text("messageId"); again != first {
		t.Errorf("the same message came in twice: %s, %s", first, again)
	}
	shown := s.ask("GET", "/api/messaging/messages/"+first, nil).is(200)
	if shown.text("metadata.externalAuthorId") != "discord-user-1" ||
		shown.text("authorId") != events.StringToUUID("discord:discord-user-1").String() {
		t.Errorf("message: %s", shown.body)
	}
	s.ask("POST", "/api/messaging/complete", fields{"channel_id": channel, "server_id": "0"}).is(200)
	s.ask("POST", "/api/messaging/complete", fields{"channel_id": unknown, "server_id": "0"}).is(200)
	outside["channel_id"] = unknown
	s.ask("POST", "/api/messaging/ingest-external", outside).refused(404, problem.CodeNotFound)
}

func TestTheReplyIsInTheAnswerOfWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Replying")
	dm := s.ask("GET", "/api/messaging/dm-channel?targetUserId="+agent+"&currentUserId="+ann, nil).is(200).text("id")
	posted := make(chan answered)
	go func() {
		posted <- s.ask("POST", "/api/messaging/central-channels/"+dm+"/messages?wait=reply",
			fields{"author_id": ann, "content": "hi", "server_id": "0"})
	}()
	// The agent: it answers what it hears.
	for e, err := range s.store.Subscribe(t.Context(), 0, events.Filter{}) {
		must(t, err)
		said, ok := e.Event.(events.MessageSubmitted)
		if !ok {
			continue
		}
		reply := frame.NewID()
		must(t, do(s.env, commands.SubmitMessage{MessageID: reply, ChannelID: said.ChannelID, AuthorID: said.Audience[0], Content: "ho", InReplyTo: said.MessageID}))
		must(t, do(s.env, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
			TurnID: frame.NewID(), ChannelID: said.ChannelID, AgentID: said.Audience[0], MessageID: said.MessageID, ReplyID: reply, Outcome: events.TurnReplied,
		}}))
		break
	}
	got := <-posted
	replies, _ := got.is(201).at("replies").([]any)
	if len(replies) != 1 || replies[0].(map[string]any)["content"] != "ho" {
		t.Errorf("replies: %s", got.body)
	}
}
