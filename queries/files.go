package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// File is an uploaded file. Owner and OwnerID tell for whom (events.FileUploaded).
type File struct {
	ID        uuid.UUID
	Owner     string
	OwnerID   uuid.UUID
	Filename  string
	Name      string
	Type      string
	Size      int64
	SHA256    string `db:"sha256"`
	Width     int
	Height    int
	CreatedAt Millis
	Revision  uint64
}

const fileColumns = `select id, owner, owner_id, filename, name, type, size, sha256, width, height, created_at, revision from files`

// File is one file.
func (q *Queries) File(ctx context.Context, id uuid.UUID) (File, error) {
	return one(ctx, q, fmt.Sprintf("file %s", id), pgx.RowToStructByName[File], fileColumns+` where id = $1 and gone is null`, id)
}

// FileNamed is the newest file that is served for an owner under that name.
func (q *Queries) FileNamed(ctx context.Context, owner string, id uuid.UUID, filename string) (File, error) {
	return one(ctx, q, fmt.Sprintf("file of %s %s", owner, id), pgx.RowToStructByName[File], fileColumns+`
		where owner_id = $1 and hashtextextended(filename, 0) = hashtextextended($2, 0) and filename = $2 and owner = $3
		and gone is null order by uploaded desc limit 1`, id, filename, owner)
}

// FilesOf counts the files that have the bytes with that hash.
func (q *Queries) FilesOf(ctx context.Context, sha256 string) (int, error) {
	return one(ctx, q, "files of a hash", pgx.RowTo[int], `select count(*) from files
		where hashtextextended(sha256, 0) = hashtextextended($1, 0) and sha256 = $1 and gone is null`, sha256)
}

// Removed is a file that is gone, and where it went.
type Removed struct {
	ID     uuid.UUID
	SHA256 string `db:"sha256"`
	Gone   events.Position
}

// RemovedFiles lists what is gone after one of them, in the order of their going.
func (q *Queries) RemovedFiles(ctx context.Context, after Removed, limit int) ([]Removed, error) {
	return many(ctx, q, "removed files", pgx.RowToStructByName[Removed], `select id, sha256, gone from files
		where gone is not null and (gone, id) > ($1, $2) order by gone, id limit $3`, int64(after.Gone), after.ID, limit)
}
