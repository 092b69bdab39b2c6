package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// The functions of this file keep agents' names unique: an agent's stream knows nothing of other agents, so a name is claimed in a
// stream of its own before the agent's stream has it, and released after the agent has another name or is deleted. Agents that were
// made before there were claims, or with an id of their own, have none: read models know them, and callers pass them as bearer,
// uuid.Nil for none.

// NamedAgent is the agent that bears a name.
type NamedAgent struct {
	AgentID uuid.UUID
	Agent   Agent
	// Created is false where an agent bore the name before.
	Created bool
}

// CreateNamedAgent makes an agent with a name that no agent bears, or returns the agent that bears it, as it is. Requests at the same
// time make one agent. The id is the one that ElizaOS derives from the name, or newID where that belongs to an agent that was renamed.
func CreateNamedAgent(ctx context.Context, env Env, r Request, character events.Character, bearer, newID uuid.UUID) (NamedAgent, Result, error) {
	if id, err := claimedBefore(ctx, env, r, character.Name); err != nil || id != uuid.Nil {
		return createClaimed(ctx, env, r, character, id, err)
	}
	if bearer != uuid.Nil {
		if found, result, err := bearing(ctx, env, bearer, character.Name); err != nil || found.AgentID != uuid.Nil {
			return found, result, err
		}
	}
	id := events.StringToUUID(character.Name)
	derived, err := env.States.agentInLog(ctx, id)
	if err != nil {
		return NamedAgent{}, Result{}, err
	}
	if derived.Exists && !derived.bears(character.Name) {
		id = newID
	}
	made, result, err := createClaimed(ctx, env, r, character, id, nil)
	var taken *NameTaken
	if !errors.As(err, &taken) {
		return made, result, err
	}
	holder, err := env.States.agentInLog(ctx, taken.AgentID)
	switch {
	case err != nil:
		return NamedAgent{}, Result{}, err
	case holder.bears(character.Name):
		return bearing(ctx, env, taken.AgentID, character.Name)
	case holder.Exists: // it is being renamed
		return NamedAgent{}, Result{}, taken
	}
	return createClaimed(ctx, env, r, character, taken.AgentID, nil) // another request is making it
}

// claimedBefore returns the agent that the same request claimed the name for when it was made before, uuid.Nil for none.
func claimedBefore(ctx context.Context, env Env, r Request, name string) (uuid.UUID, error) {
	if r.Body == "" {
		return uuid.Nil, nil
	}
	claims, err := LoadStream[AgentName](ctx, env, events.AgentNameStream(name))
	claim, _ := claims.requests[r.ID].Event.(events.AgentNameTaken)
	return claim.AgentID, err
}

// bearing returns the agent if it bears the name.
func bearing(ctx context.Context, env Env, id uuid.UUID, name string) (NamedAgent, Result, error) {
	found, err := LoadStream[Agent](ctx, env, events.AgentStream(id))
	if err != nil || !found.state.bears(name) {
		return NamedAgent{}, Result{}, err
	}
	return NamedAgent{AgentID: id, Agent: found.state}, Result{Position: found.position, Revision: uint64(found.revision), At: found.at}, nil
}

// createClaimed claims the name for the agent and makes it.
func createClaimed(ctx context.Context, env Env, r Request, character events.Character, id uuid.UUID, err error) (NamedAgent, Result, error) {
	if err != nil {
		return NamedAgent{}, Result{}, err
	}
	result, err := HandleBoth(ctx, env, r, TakeAgentName{character.Name, id}, CreateAgent{AgentID: id, Character: character})
	if err != nil {
		return NamedAgent{}, result, err
	}
	agent, err := env.States.agentInLog(ctx, id)
	if err == nil && !result.Changed && !agent.bears(character.Name) {
		err = fmt.Errorf("%s: %w: it was renamed or deleted meanwhile", events.AgentStream(id), events.ErrConflict)
	}
	return NamedAgent{AgentID: id, Agent: agent, Created: result.Changed}, result, err
}

// UpdateNamedAgent is UpdateAgent, which fails with a NameTaken where it renames the agent and another agent bears the name. bearer
// looks in the read models for the agent with a name.
func UpdateNamedAgent(ctx context.Context, env Env, r Request, cmd UpdateAgent, bearer func(name string) (uuid.UUID, error)) (Result, error) {
	before, err := env.States.agentInLog(ctx, cmd.AgentID)
	if err != nil {
		return Result{}, err
	}
	outcome, err := Try(ctx, env, r, cmd) // a patch that is refused claims nothing
	if err != nil {
		return Result{}, err
	}
	name := before.Character.Name
	for _, fact := range outcome.Facts {
		if updated, ok := fact.(events.AgentUpdated); ok {
			name = updated.Character.Name
		}
	}
	if before.bears(name) {
		return Handle(ctx, env, r, cmd)
	}
	if err := takeName(ctx, env, r, cmd.AgentID, name, bearer); err != nil {
		return Result{}, err
	}
	result, err := Handle(ctx, env, r, cmd)
	if err == nil {
		ReleaseName(ctx, env, r, cmd.AgentID, before.Character.Name)
	}
	return result, err
}

// takeName claims the name, unless an agent bears it that has not claimed it.
func takeName(ctx context.Context, env Env, r Request, id uuid.UUID, name string, bearer func(name string) (uuid.UUID, error)) error {
	other, err := bearer(name)
	if err != nil {
		return err
	}
	if other != uuid.Nil && other != id {
		agent, err := env.States.agentInLog(ctx, other)
		if err != nil {
			return err
		}
		if agent.bears(name) {
			return &NameTaken{other}
		}
	}
	r.IfRevision = nil // it is about the agent
	_, err = Handle(ctx, env, r, TakeAgentName{name, id})
	return err
}

// ReleaseName lets other agents have the name of an agent that was renamed or deleted at once. It is best effort: a claim whose agent
// does not bear the name ends by itself after a minute.
func ReleaseName(ctx context.Context, env Env, r Request, id uuid.UUID, name string) {
	r.IfRevision = nil // it is about the agent
	_, _ = Handle(ctx, env, r, ReleaseAgentName{name, id})
}
