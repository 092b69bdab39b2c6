package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Job is what a client has asked an agent for, and what came of it (CONTRACT-1.7 6.1).
type Job struct {
	ID        uuid.UUID       `json:"jobId"`
	Status    string          `json:"status" doc:"processing, completed, failed, timeout or cancelled."`
	AgentID   uuid.UUID       `json:"agentId"`
	UserID    uuid.UUID       `json:"userId"`
	ChannelID uuid.UUID       `json:"channelId" doc:"Where it is asked, and answered."`
	Prompt    string          `json:"prompt"`
	CreatedAt Millis          `json:"createdAt"`
	ExpiresAt Millis          `json:"expiresAt"`
	Result    *JobResult      `json:"result,omitempty" db:"-"`
	Reason    string          `json:"error,omitempty" doc:"Why there is no answer."`
	Metadata  json.RawMessage `json:"metadata"`
	Created   events.Position `json:"-"`
	Revision  uint64          `json:"-"`
}

// JobResult is the answer to a job.
type JobResult struct {
	Message        JobMessage `json:"message"`
	ProcessingTime int64      `json:"processingTimeMs"`
}

// JobMessage is the message that an agent has answered with.
type JobMessage struct {
	ID        uuid.UUID       `json:"id"`
	Content   string          `json:"content"`
	AuthorID  uuid.UUID       `json:"authorId"`
	CreatedAt Millis          `json:"createdAt"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

// jobRow has the columns of a job, and of the answer where there is one that was not deleted.
type jobRow struct {
	Job
	ReplyID, ReplyAuthorID *uuid.UUID
	ReplyContent           *string
	RepliedAt, EndedAt     *time.Time
	ReplyMetadata          json.RawMessage
}

const jobColumns = `select j.id, j.status, j.agent_id, j.user_id, j.channel_id, coalesce(m.content, '') as prompt, j.created_at, j.expires_at,
	coalesce(j.reason, '') as reason, j.metadata, j.created, j.revision, j.ended_at,
	r.id as reply_id, r.author_id as reply_author_id, r.content as reply_content, r.created_at as replied_at, r.metadata as reply_metadata
from jobs j left join messages m on m.id = j.message_id left join messages r on r.id = j.reply_id`

func readJob(row pgx.CollectableRow) (Job, error) {
	r, err := pgx.RowToStructByName[jobRow](row)
	if !isObject(r.Metadata) { // none, or what its user said was erased
		r.Metadata = json.RawMessage(`{}`)
	}
	if r.ReplyID != nil && r.EndedAt != nil {
		r.Result = &JobResult{
			JobMessage{*r.ReplyID, *r.ReplyContent, *r.ReplyAuthorID, Millis(r.RepliedAt.UnixMilli()), r.ReplyMetadata},
			r.EndedAt.UnixMilli() - int64(r.CreatedAt),
		}
	}
	return r.Job, err
}

// Job is one job.
func (q *Queries) Job(ctx context.Context, id uuid.UUID) (Job, error) {
	return one(ctx, q, fmt.Sprintf("job %s", id), readJob, jobColumns+` where j.id = $1`, id)
}

// Jobs lists the jobs with a status, or all without one, the newest first, and tells how many there are in all.
func (q *Queries) Jobs(ctx context.Context, status string, p Page) ([]Job, int, error) {
	return list[Job]{
		what: "jobs", row: readJob, shown: newestFirst, args: []any{status},
		count: `select count(*) from jobs where $1 = '' or status = $1`,
		sql: byCreation(jobColumns + `
		where ($1 = '' or j.status = $1) and (j.created_at, j.created) < ($2, $3) and (j.created_at, j.created) > ($4, $5)
		order by j.created_at %[1]s, j.created %[1]s limit $6`),
	}.read(ctx, q, p)
}

func (j Job) place() (time.Time, events.Position) { return j.CreatedAt.Time(), j.Created }

// JobCount says how many jobs there are with a status, and how long they took on average, in milliseconds.
type JobCount struct {
	Status  string
	Count   int
	Average float64
}

// CountJobs counts the newest jobs by their status, at most as many as a limit in all.
func (q *Queries) CountJobs(ctx context.Context, limit int) ([]JobCount, error) {
	return many(ctx, q, "number of jobs", pgx.RowToStructByPos[JobCount], `
select status, count(*), coalesce(avg(extract(epoch from ended_at - created_at) * 1000), 0)::float8
from (select status, created_at, ended_at from jobs order by created_at desc, created desc limit $1) j group by status`, limit)
}

// OpenJobs counts the jobs that are processed, at most as many as a limit.
func (q *Queries) OpenJobs(ctx context.Context, limit int) (int, error) {
	return one(ctx, q, "number of jobs", pgx.RowTo[int], `
select count(*) from (select from jobs where status = $1 limit $2) j`, events.JobProcessing, limit)
}
