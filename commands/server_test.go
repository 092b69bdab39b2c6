package commands_test

import (
	"testing"

	. "annals/commands"
	"annals/events"
)

func TestAFoldOfAServerThatGoesOnLeavesTheOneItCameFromAlone(t *testing.T) {
	t.Parallel()
	before := Server{}.Apply(events.Recorded{Event: events.AgentJoinedServer{ServerID: guild, AgentID: eliza}})
	both := before.Apply(events.Recorded{Event: events.AgentJoinedServer{ServerID: guild, AgentID: parry}})
	neither := before.Apply(events.Recorded{Event: events.AgentLeftServer{ServerID: guild, AgentID: eliza}})
	if len(before.Agents) != 1 || len(both.Agents) != 2 || !before.Agents[eliza].Joined || neither.Agents[eliza].Joined {
		t.Errorf("in the server are %v, then %v or %v", before.Agents, both.Agents, neither.Agents)
	}
}
