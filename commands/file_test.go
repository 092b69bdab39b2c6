package commands_test

import (
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	picture         = uuid.MustParse("f11e0000-0000-4000-8000-000000000000")
	pictureUploaded = events.FileUploaded{
		FileID: picture, Owner: events.FileOfChannel, OwnerID: lobby, Filename: "1-2.png", Name: "me.png",
		Type: "image/png", Size: 70, SHA256: "6f", Width: 1, Height: 1,
	}
	pictureDeleted = events.FileDeleted{FileID: picture}
)

func TestAFileIsUploadedOnce(t *testing.T) {
	t.Parallel()
	upload := UploadFile{
		FileID: picture, Owner: events.FileOfChannel, OwnerID: lobby, Filename: "1-2.png", Name: "me.png",
		Type: "image/png", Size: 70, SHA256: "6f", Width: 1, Height: 1,
	}
	When(unknown, upload).Then(t, pictureUploaded)
	When(unknown.And(pictureUploaded), upload).Then(t)
	When(unknown.And(pictureUploaded, pictureDeleted), upload).Then(t, pictureUploaded)
	When(lobbyOpen.And(pictureUploaded, lobbyDeleted), upload).Then(t, pictureUploaded)
}

func TestAFileIsDeletedOnce(t *testing.T) {
	t.Parallel()
	remove := DeleteFile{FileID: picture}
	When(unknown.And(pictureUploaded), remove).Then(t, pictureDeleted)
	When(unknown.And(pictureUploaded, pictureDeleted), remove).Then(t)
	When(unknown, remove).ThenFails(t, ErrNotFound, "file "+picture.String()+" not found")
}

func TestAFileThatWentWithItsChannelIsDeletedAlready(t *testing.T) {
	t.Parallel()
	remove := DeleteFile{FileID: picture}
	When(lobbyOpen.And(pictureUploaded, lobbyCleared), remove).Then(t)
	When(lobbyOpen.And(pictureUploaded, lobbyDeleted), remove).Then(t)
	When(lobbyOpen.And(lobbyCleared, pictureUploaded), remove).Then(t, pictureDeleted)
	When(lobbyOpen.And(lobbyDeleted, pictureUploaded, lobbyCreated), remove).Then(t)
	ofAgent := pictureUploaded
	ofAgent.Owner, ofAgent.OwnerID = events.FileOfAgent, eliza
	When(lobbyOpen.And(ofAgent, lobbyCleared), remove).Then(t, pictureDeleted)
	When(lobbyOpen.And(ofAgent, elizaDeleted), remove).Then(t)
}
