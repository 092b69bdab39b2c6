package httpapi_test

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
	first := s.Ask("POST", path, fields{"name": "R1", "metadata": fields{"a": 1}}).Is(201)
	if first.Text("type") != "DM" || first.Text("source") != "client" || first.At("metadata.a") != 1.0 {
		t.Errorf("made: %s", first.Body)
	}
	second := s.Ask("POST", path, fields{"name": "R2", "type": "GROUP", "source": "test", "serverId": "srv-x", "worldId": first.Text("worldId")}).Is(201)
	listed := s.Ask("GET", path, nil).Is(200)
	if listed.Text("rooms.0.id") != first.Text("id") || listed.Text("rooms.1.serverId") != "srv-x" || listed.Text("rooms.1.channelId") != second.Text("id") || listed.At("rooms.2") != nil {
		t.Errorf("listed: %s", listed.Body)
	}
	if shown := s.Ask("GET", path+"/"+second.Text("id"), nil).Is(200); shown.Text("worldName") != "World for R1" || shown.Text("name") != "R2" {
		t.Errorf("shown: %s", shown.Body)
	}
	s.Ask("POST", path, fields{}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", path, fields{"name": "R3", "worldId": "nope"}).Refused(400, problem.CodeInvalidID)
	s.Ask("POST", path, fields{"name": "R3", "worldId": unknown}).Refused(404, problem.CodeNotFound)
	s.Ask("GET", path+"/"+unknown, nil).Refused(404, problem.CodeNotFound)
	other := s.newAgent("Lethe")
	s.Ask("GET", "/api/memory/"+other+"/rooms/"+first.Text("id"), nil).Refused(404, problem.CodeNotFound)
}

func TestAnAgentsOwnRoomHasTheAgentsIDForAllOfItsIDs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	s.Ask("POST", "/api/memory/agents/"+agent+"/memories", fields{"text": "to myself"}).Is(201)
	own := s.Ask("GET", "/api/agents/"+agent+"/rooms/"+agent, nil).Is(200)
	for _, id := range []string{"id", "agentId", "channelId", "serverId", "worldId"} {
		if own.Text(id) != agent {
			t.Errorf("%s: %s", id, own.Body)
		}
	}
	if own.Text("type") != "SELF" || own.Text("source") != "elizaos" || own.Text("name") != "Mnemosyne" || own.At("worldName") != nil {
		t.Errorf("%s", own.Body)
	}
	other := s.Ask("POST", "/api/memory/"+agent+"/rooms", fields{"name": "R1"}).Is(201).Text("id")
	listed := s.Ask("GET", "/api/agents/"+agent+"/rooms", nil).Is(200)
	if listed.Text("rooms.0.id") != other || listed.Header.Get("X-Total-Count") != "1" {
		t.Errorf("listed: %v %s", listed.Header, listed.Body)
	}
}

func TestWorldsAreMadeChangedAndShared(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	path := "/api/agents/" + agent + "/worlds"
	world := s.Ask("POST", path, fields{"name": "W", "serverId": "srv", "metadata": fields{"a": 1, "b": 2}}).Is(201).Text("world.id")
	changed := s.Ask("PATCH", path+"/"+world, fields{"name": "V", "metadata": fields{"b": 3}, "settings": fields{"s": true}}).Is(200)
	if changed.Text("world.name") != "V" || changed.At("world.metadata.a") != 1.0 || changed.At("world.metadata.b") != 3.0 || changed.At("world.metadata.settings.s") != true {
		t.Errorf("changed: %s", changed.Body)
	}
	s.Ask("POST", path, fields{}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("PATCH", path+"/"+unknown, fields{"name": "x"}).Refused(404, problem.CodeNotFound)
	s.Ask("PATCH", path+"/nope", fields{"name": "x"}).Refused(400, problem.CodeInvalidID)
	s.Ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": world}).Is(201)
	if theirs := s.Ask("GET", "/api/agents/"+other+"/worlds", nil).Is(200); theirs.Text("worlds.0.name") != "V" {
		t.Errorf("the other's worlds: %s", theirs.Body)
	}
	s.Ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": unknown}).Is(201)
	if all := s.Ask("GET", "/api/agents/worlds", nil).Is(200); all.Text("worlds.0.id") != world || all.Text("worlds.1.id") != unknown {
		t.Errorf("all worlds: %s", all.Body)
	}
}

func TestAGroupGivesEachAgentARoomAndGoesWithItsMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	world := "44444444-4444-4444-8444-444444444444"
	made := s.Ask("POST", "/api/memory/groups/0", fields{"name": "grp", "worldId": world, "source": "client", "agentIds": []string{agent, other}}).Is(201)
	room := made.Text("0.id")
	if room != events.UniqueUUID(mustID(t, agent), events.DefaultServer.String()).String() || made.Text("1.type") != "API" {
		t.Errorf("made: %s", made.Body)
	}
	memory := s.Ask("POST", "/api/agents/"+agent+"/memories", fields{"text": "tea", "roomId": room}).Is(201).Text("id")
	groups := s.Ask("GET", "/api/memory/groups", nil).Is(200)
	if groups.Text("groups.0.id") != world || groups.Text("groups.0.name") != "grp" || groups.At("groups.0.memoryCount") != 1.0 || groups.Text("groups.0.agents.1") == "" {
		t.Errorf("listed: %s", groups.Body)
	}
	if listed := s.Ask("GET", "/api/memory/groups/"+world+"/memories", nil).Is(200); listed.Text("memories.0.id") != memory {
		t.Errorf("memories: %s", listed.Body)
	}
	s.Ask("DELETE", "/api/memory/groups/"+world+"/memories", nil).Is(204)
	if listed := s.Ask("GET", "/api/agents/"+agent+"/memories", nil).Is(200); listed.At("memories.0") != nil {
		t.Errorf("cleared: %s", listed.Body)
	}
	s.Ask("DELETE", "/api/memory/groups/"+world, nil).Is(204)
	s.Ask("DELETE", "/api/memory/groups/"+world, nil).Is(204)
	s.Ask("GET", "/api/agents/"+agent+"/rooms/"+room, nil).Refused(404, problem.CodeNotFound)
	if groups := s.Ask("GET", "/api/memory/groups", nil).Is(200); groups.At("groups.0") != nil {
		t.Errorf("after the deletion: %s", groups.Body)
	}
}

func TestWhatFailsOfAGroupIsToldBesideWhatSucceeds(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	partly := s.Ask("POST", "/api/memory/groups", fields{"serverId": ann, "worldId": ann, "agentIds": []string{agent, unknown}})
	if partly.Status != 207 || partly.Field("errors.0.agentId") != unknown || partly.Field("data.0.type") != "API" {
		t.Errorf("partly: %d %s", partly.Status, partly.Body)
	}
	s.Ask("POST", "/api/memory/groups/0", fields{"agentIds": []string{unknown}}).Refused(404, problem.CodeCreate)
	s.Ask("POST", "/api/memory/groups/0", fields{}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", "/api/memory/groups/nope", fields{"agentIds": []string{agent}}).Refused(400, problem.CodeInvalidID)
	s.Ask("POST", "/api/memory/groups", fields{"agentIds": []string{agent}}).Refused(400, problem.CodeInvalidID)
	s.Ask("DELETE", "/api/memory/groups/nope", nil).Refused(400, problem.CodeInvalidID)
	if all := s.Ask("POST", "/api/memory/groups/"+agent, fields{"name": "everybody"}).Is(201); all.Text("0.name") != "everybody" {
		t.Errorf("everybody: %s", all.Body)
	}
}

func TestADMChannelIsShownByTheNameThatItHas(t *testing.T) {
	t.Parallel()
	s := serve(t)
	dm := "/api/messaging/dm-channel?currentUserId=" + ann + "&targetUserId=" + unknown
	made := s.Ask("GET", dm, nil).Is(200)
	id := made.Text("id")
	for _, name := range []string{"Renamed", "Renamed again"} {
		s.Ask("PATCH", "/api/messaging/central-channels/"+id, fields{"name": name}).Is(200)
		if got := s.Ask("GET", dm, nil).Is(200); got.Text("id") != id || got.Text("name") != name {
			t.Errorf("after a PATCH to %s: %s", name, got.Body)
		}
	}
	s.Ask("DELETE", "/api/messaging/central-channels/"+id, nil)
	if got := s.Ask("GET", dm, nil).Is(200); got.Text("name") != made.Text("name") {
		t.Errorf("made anew: %s", got.Body)
	}
}
