package queries

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
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

// SearchMessages finds messages by their words, the newest first. Of very long messages the beginning counts.
func (q *Queries) SearchMessages(ctx context.Context, s MessageSearch) ([]Message, error) {
	if err := q.selective(ctx, s.Text); err != nil {
		return nil, err
	}
	return page(ctx, q, "messages that were searched for", scanMessage, messageColumns+`
where ($1 = '' or to_tsvector('simple', left(content, 100000)) @@ websearch_to_tsquery('simple', $1))
	and ($2::uuid is null or channel_id = $2) and ($3::uuid is null or author_id = $3)
	and created_at between $4 and $5
order by created_at desc, submitted desc limit $6 offset $7`,
		s.Text, orNone(s.Channel), orNone(s.Author), orInfinity(s.From, pgtype.NegativeInfinity), orInfinity(s.To, pgtype.Infinity),
		min(max(s.Limit, 0), MaxLimit), max(s.Offset, 0))
}

// selective refuses words of which none has to be there, such as -this or one -another: no index helps to find what lacks a word.
func (q *Queries) selective(ctx context.Context, words string) error {
	if !strings.Contains(words, "-") {
		return nil
	}
	scans, err := one(ctx, q, "words", pgx.RowTo[bool], `select querytree(websearch_to_tsquery('simple', $1)) = 'T'`, words)
	if err == nil && scans {
		err = ErrUnselective
	}
	return err
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
