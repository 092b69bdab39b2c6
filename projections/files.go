package projections

import (
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
	Apply: applyFiles,
}

func applyFiles(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.FileUploaded:
		w.Exec(`
insert into files (id, owner, owner_id, filename, name, type, size, sha256, width, height, created_at, uploaded, revision)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update set (owner, owner_id, filename, name, type, size, sha256, width, height, created_at, uploaded, revision, gone)
= (excluded.owner, excluded.owner_id, excluded.filename, excluded.name, excluded.type, excluded.size, excluded.sha256,
	excluded.width, excluded.height, excluded.created_at, excluded.uploaded, excluded.revision, null)`,
			f.FileID, f.Owner, f.OwnerID, f.Filename, f.Name, f.Type, f.Size, f.SHA256, int64(f.Width), int64(f.Height),
			instant(e), int64(e.Position), int64(e.Revision))
	case events.FileDeleted:
		w.Exec(`update files set (gone, revision) = ($2, $3) where id = $1 and gone is null`, f.FileID, int64(e.Position), int64(e.Revision))
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
