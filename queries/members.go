package queries

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Members is a part of a list of ids that is ordered by joining. The cursors are ids of the list, exclusive, and may be left
// out; one that is not in the list, or no longer, is not found. With Before alone, the page lies next to it.
type Members struct {
	Limit         int // at most MaxLimit
	After, Before uuid.UUID
}

// membership is a table that says who or what belongs to something, and since when.
type membership struct{ table, of, member, order string }

var (
	channelParticipants = membership{"participants", "channel_id", "participant_id", "position, place, participant_id"}
	serverAgents        = membership{"server_agents", "server_id", "agent_id", "position, agent_id"}
	agentServers        = membership{"server_agents", "agent_id", "server_id", "position, server_id"}
)

// Participants lists who takes part in a channel, people and agents, in the order of joining, and tells how many do.
func (q *Queries) Participants(ctx context.Context, channel uuid.UUID, p Members) ([]uuid.UUID, int, error) {
	return q.members(ctx, fmt.Sprintf("participants of channel %s", channel), channelParticipants, channel, p)
}

// ServerAgents lists the agents that hear a server's messages, in the order of joining, and tells how many do.
func (q *Queries) ServerAgents(ctx context.Context, server uuid.UUID, p Members) ([]uuid.UUID, int, error) {
	return q.members(ctx, fmt.Sprintf("agents of server %s", server), serverAgents, server, p)
}

// AgentServers lists the servers whose messages an agent hears, in the order of joining, and tells how many they are.
func (q *Queries) AgentServers(ctx context.Context, agent uuid.UUID, p Members) ([]uuid.UUID, int, error) {
	return q.members(ctx, fmt.Sprintf("servers of agent %s", agent), agentServers, agent, p)
}

func (q *Queries) members(ctx context.Context, what string, m membership, of uuid.UUID, p Members) (found []uuid.UUID, total int, err error) {
	backwards := p.Before != uuid.Nil && p.After == uuid.Nil
	direction := "asc"
	if backwards {
		direction = "desc"
	}
	page := fmt.Sprintf(`
select %[3]s from %[1]s where %[2]s = $1
and ($2::uuid is null or (%[4]s) > (select %[4]s from %[1]s where %[2]s = $1 and %[3]s = $2))
and ($3::uuid is null or (%[4]s) < (select %[4]s from %[1]s where %[2]s = $1 and %[3]s = $3))
order by (%[4]s) %[5]s limit $4`, m.table, m.of, m.member, m.order, direction)
	count := fmt.Sprintf(`
select count(*), ($2::uuid is null or coalesce(bool_or(%[3]s = $2), false)) and ($3::uuid is null or coalesce(bool_or(%[3]s = $3), false))
from %[1]s where %[2]s = $1`, m.table, m.of, m.member)
	var known bool
	found, err = again(q, func() (found []uuid.UUID, err error) {
		var b pgx.Batch
		after, before := cursor(p.After), cursor(p.Before)
		b.Queue(page, of, after, before, min(max(p.Limit, 0), MaxLimit)).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		b.Queue(count, of, after, before).QueryRow(func(row pgx.Row) error { return row.Scan(&total, &known) })
		return found, q.pool.SendBatch(ctx, &b).Close()
	})
	if err == nil && !known {
		return nil, total, fmt.Errorf("the cursor among the %s: %w", what, ErrNotFound)
	}
	if backwards {
		slices.Reverse(found)
	}
	return found, total, failed(err, what)
}

func cursor(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
