package projections

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var files = engine.Projection{
	Name:    "files",
	Group:   GroupCore,
	Version: 2,
	// gone is the position of the fact that removed the file: its row stays until its bytes have been looked at (see
	// queries.RemovedFiles). Who owns it is told by owner and owner_id together.
	Tables: `
create table files (
	id         uuid primary key,
	owner      text not null,
	owner_id   uuid not null,
	filename   text not null,
	name       text not null,
	type       text not null,
	size       bigint not null,
	sha256     text not null,
	width      bigint not null,
	height     bigint not null,
	created_at timestamptz not null,
	uploaded   bigint not null,
	revision   bigint not null,
	gone       bigint
)` + fileEnds.tables(),
	Indexes: `
create index on files (owner_id, hashtextextended(filename, 0)) where gone is null;
create index on files (hashtextextended(sha256, 0)) where gone is null;
create index on files (gone, id) where gone is not null`,
	Rows:  fileEnds.rows(filesTable),
	Apply: applyFiles,
}

type file struct {
	fileRemoval
	Owner     string          `db:"owner"`
	OwnerID   uuid.UUID       `db:"owner_id"`
	Filename  string          `db:"filename"`
	Name      string          `db:"name"`
	Type      string          `db:"type"`
	Size      int64           `db:"size"`
	SHA256    string          `db:"sha256"`
	Width     int             `db:"width"`
	Height    int             `db:"height"`
	CreatedAt time.Time       `db:"created_at"`
	Uploaded  events.Position `db:"uploaded"`
}

type fileRemoval struct {
	ID       uuid.UUID       `db:"id,key"`
	Revision uint64          `db:"revision"`
	Gone     events.Position `db:"gone,null"`
}

var (
	fileEnds   = newEnds("files", "uploaded", map[string]string{ofAgent: "owner_id", ofChannel: "owner_id"}).withClears(ofChannel)
	filesTable = engine.NewTable[file]("files")
)

// stillThere is the condition that a file can be removed: it is there, or was uploaded too late, which says less.
const stillThere = "gone is null or gone = uploaded"

// ownedBy are the conditions that the owner of a file is of a kind.
var ownedBy = map[string]string{ofAgent: "owner in ('agent', 'generated')", ofChannel: "owner = 'channel'"}

// uploadedTooLate removes a file whose owner is gone, which has a row all the same: its bytes are to be looked at.
var uploadedTooLate = map[string]string{
	events.FileOfAgent: tooLate(ofAgent), events.FileByGenerator: tooLate(ofAgent), events.FileOfChannel: tooLate(ofChannel),
}

func tooLate(kind string) string {
	alive := fileEnds.alive(map[string]string{kind: "owner_id"}, "uploaded")
	return "update files set gone = uploaded where id = $1 and not (" + strings.NewReplacer("{", "files.", "}", "").Replace(alive) + ")"
}

func applyFiles(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.FileUploaded:
		filesTable.Upsert(w, file{
			fileRemoval: fileRemoval{ID: f.FileID, Revision: e.Revision},
			Owner:       f.Owner, OwnerID: f.OwnerID, Filename: f.Filename, Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256,
			Width: f.Width, Height: f.Height, CreatedAt: instant(e), Uploaded: e.Position,
		})
		if sql := uploadedTooLate[f.Owner]; sql != "" {
			w.Exec(sql, f.FileID)
		}
	case events.FileDeleted:
		filesTable.UpdateIf(w, fileRemoval{f.FileID, e.Revision, e.Position}, stillThere)
	default:
		fileEnds.apply(w, e, func(kind, condition string, args ...any) {
			w.Exec("update files set gone = $2 where ("+stillThere+") and "+ownedBy[kind]+" and "+condition, args...)
		})
	}
}
