package queries

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"annals/events/terms"
)

// MessageSearch says which messages are looked for. What is empty narrows nothing.
type MessageSearch struct {
	// Text has the words to look for, as people write them for search engines: "a phrase", one or another, -without.
	Text            string
	Channel, Author uuid.UUID
	// From and To bound the time, both inclusive.
	From, To      time.Time
	Limit, Offset int
}

// SearchMessages finds messages by their words, the newest first: where nothing has them all, what has longer words that begin or
// end so. Of very long messages the beginning counts.
func (q *Queries) SearchMessages(ctx context.Context, s MessageSearch) ([]Message, error) {
	asked := terms.Parse(s.Text)
	switch {
	case s.Text != "" && asked.Empty(): // signs alone
		return nil, nil
	case s.Text != "" && !asked.Selective():
		return nil, ErrUnselective
	}
	found, err := q.messagesWith(ctx, s, asked.All(false))
	if err == nil && len(found) == 0 && s.Offset <= 0 && !asked.Empty() {
		found, err = q.messagesWith(ctx, s, asked.All(true))
	}
	return found, err
}

func (q *Queries) messagesWith(ctx context.Context, s MessageSearch, words string) ([]Message, error) {
	return page(ctx, q, "messages that were searched for", scanMessage, messageColumns+`
where ($1 = '' or words @@ $1::tsquery)
	and ($2::uuid is null or channel_id = $2) and ($3::uuid is null or author_id = $3)
	and created_at between $4 and $5
order by created_at desc, submitted desc limit $6 offset $7`,
		words, orNone(s.Channel), orNone(s.Author), orInfinity(s.From, pgtype.NegativeInfinity), orInfinity(s.To, pgtype.Infinity),
		min(max(s.Limit, 0), MaxLimit), max(s.Offset, 0))
}

// ChannelsFrom finds the channels of a server that stand for the given ones elsewhere, by their ids there; the oldest of each.
func (q *Queries) ChannelsFrom(ctx context.Context, server uuid.UUID, sources []string) (map[string]uuid.UUID, error) {
	type found struct {
		SourceID string
		ID       uuid.UUID
	}
	all, err := many(ctx, q, "channels of a server by their source", pgx.RowToStructByName[found], `
select distinct on (source_id) source_id, id from channels where server_id = $1 and source_id = any($2)
order by source_id, created_at, created`, server, sources)
	out := make(map[string]uuid.UUID, len(all))
	for _, f := range all {
		out[f.SourceID] = f.ID
	}
	return out, err
}

func orNone(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func orInfinity(t time.Time, otherwise pgtype.InfinityModifier) pgtype.Timestamptz {
	if t.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: otherwise, Valid: true}
	}
	return pgtype.Timestamptz{Time: t, Valid: true}
}
