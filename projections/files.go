package projections

import (
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var files = engine.Projection{
	Name:    "files",
	Group:   GroupCore,
	Version: 1,
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
)`,
	Indexes: `
create index on files (owner_id, hashtextextended(filename, 0)) where gone is null;
create index on files (hashtextextended(sha256, 0)) where gone is null;
create index on files (gone, id) where gone is not null`,
	Rows:  []engine.Rows{filesTable},
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

var filesTable = engine.NewTable[file]("files")

func applyFiles(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.FileUploaded:
		filesTable.Upsert(w, file{
			fileRemoval: fileRemoval{ID: f.FileID, Revision: e.Revision},
			Owner:       f.Owner, OwnerID: f.OwnerID, Filename: f.Filename, Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256,
			Width: f.Width, Height: f.Height, CreatedAt: instant(e), Uploaded: e.Position,
		})
	case events.FileDeleted:
		filesTable.UpdateIf(w, fileRemoval{f.FileID, e.Revision, e.Position}, "gone is null")
	case events.ChannelCleared:
		removeFiles(w, events.FileOfChannel, f.ChannelID, e)
	case events.ChannelDeleted:
		removeFiles(w, events.FileOfChannel, f.ChannelID, e)
	case events.AgentDeleted:
		removeFiles(w, events.FileOfAgent, f.AgentID, e)
		removeFiles(w, events.FileByGenerator, f.AgentID, e)
	}
}

// removeFiles takes the files along that an owner had before the fact.
func removeFiles(w engine.Writer, owner string, id uuid.UUID, e events.Recorded) {
	w.Exec(`update files set gone = $3 where owner_id = $2 and owner = $1 and gone is null and uploaded < $3`, owner, id, int64(e.Position))
}
