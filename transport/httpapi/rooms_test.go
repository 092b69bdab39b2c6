package httpapi

import (
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/problem"
)

func mustID(t testing.TB, s string) uuid.UUID {
	t.Helper()
	id, err := events.ParseID(s)
	must(t, err)
	return id
}

func TestRoomsAreMadeInWorldsOfTheirOwnOrInOneThatIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/memory/" + agent + "/rooms"
	first := s.ask("POST", path, fields{"name": "R1", "metadata": fields{"a": 1}}).is(201)
	if first.text("type") != "DM" || first.text("source") != "client" || first.at("metadata.a") != 1.0 {
		t.Errorf("made: %s", first.body)
	}
	second := s.ask("POST", path, fields{"name": "R2", "type": "GROUP", "source": "test", "serverId": "srv-x", "worldId": first.text("worldId")}).is(201)
	listed := s.ask("GET", path, nil).is(200)
	if listed.text("rooms.0.id") != first.text("id") || listed.text("rooms.1.serverId") != "srv-x" || listed.text("rooms.1.channelId") != second.text("id") || listed.at("rooms.2") != nil {
		t.Errorf("listed: %s", listed.body)
	}
	if shown := s.ask("GET", path+"/"+second.text("id"), nil).is(200); shown.text("worldName") != "World for R1" || shown.text("name") != "R2" {
		t.Errorf("shown: %s", shown.body)
	}
	s.ask("POST", path, fields{}).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", path, fields{"name": "R3", "worldId": "nope"}).refused(400, problem.CodeInvalidID)
	s.ask("POST", path, fields{"name": "R3", "worldId": unknown}).refused(404, problem.CodeNotFound)
	s.ask("GET", path+"/"+unknown, nil).refused(404, problem.CodeNotFound)
	other := s.newAgent("Lethe")
	s.ask("GET", "/api/memory/"+other+"/rooms/"+first.text("id"), nil).refused(404, problem.CodeNotFound)
}

func TestAnAgentsOwnRoomHasTheAgentsIDForAllOfItsIDs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	s.ask("POST", "/api/memory/agents/"+agent+"/memories", fields{"text": "to myself"}).is(201)
	own := s.ask("GET", "/api/agents/"+agent+"/rooms/"+agent, nil).is(200)
	for _, id := range []string{"id", "agentId", "channelId", "serverId", "worldId"} {
		if own.text(id) != agent {
			t.Errorf("%s: %s", id, own.body)
		}
	}
	if own.text("type") != "SELF" || own.text("source") != "elizaos" || own.text("name") != "Mnemosyne" || own.at("worldName") != nil {
		t.Errorf("%s", own.body)
	}
	other := s.ask("POST", "/api/memory/"+agent+"/rooms", fields{"name": "R1"}).is(201).text("id")
	listed := s.ask("GET", "/api/agents/"+agent+"/rooms", nil).is(200)
	if listed.text("rooms.0.id") != other || listed.header.Get("X-Total-Count") != "1" {
		t.Errorf("listed: %v %s", listed.header, listed.body)
	}
}

func TestWorldsAreMadeChangedAndShared(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	path := "/api/agents/" + agent + "/worlds"
	world := s.ask("POST", path, fields{"name": "W", "serverId": "srv", "metadata": fields{"a": 1, "b": 2}}).is(201).text("world.id")
	changed := s.ask("PATCH", path+"/"+world, fields{"name": "V", "metadata": fields{"b": 3}, "settings": fields{"s": true}}).is(200)
	if changed.text("world.name") != "V" || changed.at("world.metadata.a") != 1.0 || changed.at("world.metadata.b") != 3.0 || changed.at("world.metadata.settings.s") != true {
		t.Errorf("changed: %s", changed.body)
	}
	s.ask("POST", path, fields{}).refused(400, problem.CodeInvalidRequest)
	s.ask("PATCH", path+"/"+unknown, fields{"name": "x"}).refused(404, problem.CodeNotFound)
	s.ask("PATCH", path+"/nope", fields{"name": "x"}).refused(400, problem.CodeInvalidID)
	s.ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": world}).is(201)
	if theirs := s.ask("GET", "/api/agents/"+other+"/worlds", nil).is(200); theirs.text("worlds.0.name") != "V" {
		t.Errorf("the other's worlds: %s", theirs.body)
	}
	s.ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": unknown}).is(201)
	if all := s.ask("GET", "/api/agents/worlds", nil).is(200); all.text("worlds.0.id") != world || all.text("worlds.1.id") != unknown {
		t.Errorf("all worlds: %s", all.body)
	}
}

func TestAGroupGivesEachAgentARoomAndGoesWithItsMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	world := "44444444-4444-4444-8444-444444444444"
	made := s.ask("POST", "/api/memory/groups/0", fields{"name": "grp", "worldId": world, "source": "client", "agentIds": []string{agent, other}}).is(201)
	room := made.text("0.id")
	if room != events.UniqueUUID(mustID(t, agent), events.DefaultServer.String()).String() || made.text("1.type") != "API" {
		t.Errorf("made: %s", made.body)
	}
	memory := s.ask("POST", "/api/agents/"+agent+"/memories", fields{"text": "tea", "roomId": room}).is(201).text("id")
	groups := s.ask("GET", "/api/memory/groups", nil).is(200)
	if groups.text("groups.0.id") != world || groups.text("groups.0.name") != "grp" || groups.at("groups.0.memoryCount") != 1.0 || groups.text("groups.0.agents.1") == "" {
		t.Errorf("listed: %s", groups.body)
	}
	if listed := s.ask("GET", "/api/memory/groups/"+world+"/memories", nil).is(200); listed.text("memories.0.id") != memory {
		t.Errorf("memories: %s", listed.body)
	}
	s.ask("DELETE", "/api/memory/groups/"+world+"/memories", nil).is(204)
	if listed := s.ask("GET", "/api/agents/"+agent+"/memories", nil).is(200); listed.at("memories.0") != nil {
		t.Errorf("cleared: %s", listed.body)
	}
	s.ask("DELETE", "/api/memory/groups/"+world, nil).is(204)
	s.ask("DELETE", "/api/memory/groups/"+world, nil).is(204)
	s.ask("GET", "/api/agents/"+agent+"/rooms/"+room, nil).refused(404, problem.CodeNotFound)
	if groups := s.ask("GET", "/api/memory/groups", nil).is(200); groups.at("groups.0") != nil {
		t.Errorf("after the deletion: %s", groups.body)
	}
}

func TestWhatFailsOfAGroupIsToldBesideWhatSucceeds(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	partly := s.ask("POST", "/api/memory/groups", fields{"serverId": ann, "worldId": ann, "agentIds": []string{agent, unknown}})
	if partly.status != 207 || partly.field("errors.0.agentId") != unknown || partly.field("data.0.type") != "API" {
		t.Errorf("partly: %d %s", partly.status, partly.body)
	}
	s.ask("POST", "/api/memory/groups/0", fields{"agentIds": []string{unknown}}).refused(404, problem.CodeCreate)
	s.ask("POST", "/api/memory/groups/0", fields{}).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", "/api/memory/groups/nope", fields{"agentIds": []string{agent}}).refused(400, problem.CodeInvalidID)
	s.ask("POST", "/api/memory/groups", fields{"agentIds": []string{agent}}).refused(400, problem.CodeInvalidID)
	s.ask("DELETE", "/api/memory/groups/nope", nil).refused(400, problem.CodeInvalidID)
	if all := s.ask("POST", "/api/memory/groups/"+agent, fields{"name": "everybody"}).is(201); all.text("0.name") != "everybody" {
		t.Errorf("everybody: %s", all.body)
	}
}
