package queries

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"annals/events/terms"
)

// Words are ranked as BM25 does (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework"), but for how often a word is
// in a memory, which is short: a rare word counts for more than a common one, and in a short text for more than in a long one.
const (
	// ranked is how many rows with a word of the text are ranked.
	ranked = 20_000
	// saturation and lengths are k1 and b of BM25.
	saturation = 1.2
	lengths    = 0.3
	// otherForm is what a word in another form counts, such as "ran" for "run".
	otherForm = 0.9
)

// candidate is a memory that has words of the text, those of them as bits.
type candidate struct {
	ID         uuid.UUID
	Similarity *float64
	Length     int32
	// In any form, and as they were asked for.
	Any, Exact int64
}

// byWords finds what has words of the text, the best first.
func (q *Queries) byWords(ctx context.Context, s Search, n int) ([]Hit, error) {
	if n == 0 {
		return nil, nil
	}
	hits, err := q.worded(ctx, s)
	return hits[:min(n, len(hits))], err
}

// worded ranks all that has words of the text.
func (q *Queries) worded(ctx context.Context, s Search) ([]Hit, error) {
	asked := s.asked()
	scored := asked.Scored()
	if len(scored) == 0 {
		return nil, nil
	}
	total, found, err := q.candidates(ctx, s, asked, scored)
	if err != nil {
		return nil, err
	}
	if loosened := loosen(scored, found); loosened != nil { // of words that nothing has, longer ones will do
		scored = loosened
		if total, found, err = q.candidates(ctx, s, asked, scored); err != nil {
			return nil, err
		}
	}
	return rank(found, len(scored), total), nil
}

// loosen replaces the words that no candidate has; nil where there is none.
func loosen(scored []terms.Scored, found []candidate) []terms.Scored {
	var all int64
	for _, c := range found {
		all |= c.Any
	}
	var loosened []terms.Scored
	for i, w := range scored {
		if all>>i&1 == 0 && w.Loose != "" {
			if loosened == nil {
				loosened = append(loosened, scored...)
			}
			loosened[i].Any, loosened[i].Loose = w.Loose, ""
		}
	}
	return loosened
}

// candidates reads which words each memory has, and of how many memories.
func (q *Queries) candidates(ctx context.Context, s Search, asked terms.Query, scored []terms.Scored) (total int, found []candidate, err error) {
	where, args := s.filter()
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	similarity := "null::float8"
	if s.Vector != nil {
		vector, model := arg(pgvector.NewVector(s.Vector).String()), arg(s.Model)
		similarity = fmt.Sprintf("case when dimensions = %d and model = %s then (1 - (embedding <=> (select %s::text::vector)))::float8 end",
			len(s.Vector), model, vector)
	}
	var forms, exact, anyOf []string
	for i, w := range scored {
		anyOf = append(anyOf, "("+w.Any+")")
		forms = append(forms, fmt.Sprintf("((words @@ %s::tsquery)::int::int8 << %d)", arg(w.Any), i))
		exact = append(exact, fmt.Sprintf("((words @@ %s::tsquery)::int::int8 << %d)", arg(w.Exact), i))
	}
	condition := "words @@ " + arg(strings.Join(anyOf, " | ")) + "::tsquery"
	if phrases := asked.Phrases(); phrases != "" {
		condition += " and words @@ " + arg(phrases) + "::tsquery"
	}
	if without := asked.Without(); without != "" {
		condition += " and not words @@ " + arg(without) + "::tsquery"
	}
	sql := fmt.Sprintf("select id, %s as similarity, length, %s as any, %s as exact from vectors where %s and %s limit %d",
		similarity, strings.Join(forms, " | "), strings.Join(exact, " | "), condition, where, ranked)
	err = q.searching(ctx, s, func(b *pgx.Batch) {
		b.Queue(fmt.Sprintf("select count(*) from (select from vectors where agent_id = $1 limit %d) as counted", ranked), s.Agent).
			QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
			return err
		})
	})
	return max(total, len(found)), found, err
}

// rank scores candidates among so many memories by so many words.
func rank(found []candidate, words, total int) []Hit {
	having := make([]float64, words)
	length := 0.0
	for _, c := range found {
		length += float64(c.Length) / float64(len(found))
		for set := uint64(c.Any); set != 0; set &= set - 1 { //nolint:gosec // bits
			having[bits.TrailingZeros64(set)]++
		}
	}
	rarity := make([]float64, words)
	whole := 0.0
	for i, n := range having {
		rarity[i] = math.Log(1 + (float64(total)-n+0.5)/(n+0.5))
		whole += rarity[i] / (1 + saturation*(1-lengths))
	}
	hits := make([]Hit, len(found))
	for i, c := range found {
		score := 0.0
		for set := uint64(c.Any); set != 0; set &= set - 1 { //nolint:gosec // bits
			word := bits.TrailingZeros64(set)
			says := rarity[word]
			if c.Exact>>word&1 == 0 {
				says *= otherForm
			}
			score += says
		}
		score /= 1 + saturation*(1-lengths+lengths*float64(c.Length)/max(length, 1))
		hits[i] = Hit{c.ID, c.Similarity, score / whole}
	}
	best(hits)
	return hits
}
