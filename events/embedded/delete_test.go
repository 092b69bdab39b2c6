package embedded_test

import (
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"annals/events/embedded"
)

func (n running) delete(t testing.TB, stream string) {
	t.Helper()
	d, err := n.DeleteStream(testContext(t), stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
	must(t, err)
	holds(t, d.Position.Commit > 0, "no position")
}

func (n running) tombstone(t testing.TB, stream string) {
	t.Helper()
	d, err := n.TombstoneStream(testContext(t), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	must(t, err)
	holds(t, d.Position.Commit > 0, "no position")
}

// found tells whether a read finds the stream; the node says it with a message, not with an error.
func (r raw) found(t testing.TB, stream string) bool {
	got, _, err := r.read(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart(stream) })
	must(t, err)
	return len(got) == 0 || got[0].GetStreamNotFound() == nil
}

func TestASoftDeletedStreamIsNotFoundAndBeginsAgainBehindItsLastRevision(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	holds(t, !r.found(t, "s"), "found before it was written")
	n.append(t, "s", named("T", 3)...)
	n.setMetadata(t, "s", `{"own":"kept","$maxCount":10}`)
	n.delete(t, "s")
	holds(t, !r.found(t, "s"), "found after it was deleted")
	equal(t, r.outcome(t, "s", exists, uuid.New()), "[stream-deleted]")
	equal(t, r.outcome(t, "s", 1, uuid.New()), "conflict 2")
	holds(t, strings.HasPrefix(r.outcome(t, "s", noStream, uuid.New()), "3@"), "not recreated")
	equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{})), []uint64{3})
	meta := n.read(t, "$$s", esdb.ReadStreamOptions{})
	equal(t, string(meta[0].Event.Data), `{"$tb":3}`) // deleting had replaced the metadata
	n.append(t, "s", named("T", 1)...)
	equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{})), []uint64{3, 4})
}

func TestMetadataWrittenToASoftDeletedStreamBringsItBackEmpty(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 2)...)
	n.delete(t, "s")
	n.setMetadata(t, "s", `{"own":1}`)
	holds(t, n.raw(t).found(t, "s"), "still deleted")
	equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{})), []uint64{})
	equal(t, string(n.read(t, "$$s", esdb.ReadStreamOptions{})[0].Event.Data), `{"$tb":2,"own":1}`)
	n.append(t, "s", named("T", 1)...)
	equal(t, revisions(n.read(t, "s", esdb.ReadStreamOptions{})), []uint64{2})
}

func TestATombstonedStreamTakesNothingAnyMore(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	n.append(t, "s", named("T", 1)...)
	n.tombstone(t, "s")
	n.tombstone(t, "never written")
	for _, stream := range []string{"s", "never written", "$$s"} {
		for _, expect := range []int64{anyState, noStream, exists, 0} {
			equal(t, r.outcome(t, stream, expect, uuid.New()), "[stream-deleted]")
		}
		_, trailer, err := r.read(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart(stream) })
		wantCode(t, err, codes.FailedPrecondition)
		equal(t, trailer.Get("exception"), []string{"stream-deleted"})
		equal(t, trailer.Get("stream-name"), []string{stream})
	}
	_, err := n.TombstoneStream(testContext(t), "s", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	e, _ := esdb.FromError(unwrapped(err))
	equal(t, e.Code(), esdb.ErrorCodeStreamDeleted)
	all := n.readAll(t, esdb.ReadAllOptions{})
	last := all[len(all)-1].Event
	equal(t, last.EventType, "$streamDeleted")
	equal(t, last.EventNumber, 1<<63-1)
}

func unwrapped(err error) error {
	if w, ok := err.(interface{ Unwrap() error }); ok {
		if _, own := err.(*esdb.Error); !own { //nolint:errorlint // looks at this layer alone
			return w.Unwrap()
		}
	}
	return err
}

func TestDeletingWithAWrongRevisionIsAnErrorThatTellsTheActualOne(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	n.append(t, "s", named("T", 3)...)
	id := func(name string) *shared.StreamIdentifier { return &shared.StreamIdentifier{StreamName: []byte(name)} }
	for _, c := range []struct {
		stream, expected, actual string
		call                     func(*metadata.MD) error
	}{
		{"s", "1", "2", func(md *metadata.MD) error {
			_, err := r.Delete(r.ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{
				StreamIdentifier: id("s"), ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 1},
			}}, grpc.Trailer(md))
			return err
		}},
		{"missing", "-2", "-1", func(md *metadata.MD) error {
			_, err := r.Delete(r.ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{
				StreamIdentifier: id("missing"), ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: none},
			}}, grpc.Trailer(md))
			return err
		}},
		{"s", "-1", "2", func(md *metadata.MD) error {
			_, err := r.Tombstone(r.ctx, &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
				StreamIdentifier: id("s"), ExpectedStreamRevision: &streams.TombstoneReq_Options_NoStream{NoStream: none},
			}}, grpc.Trailer(md))
			return err
		}},
	} {
		var md metadata.MD
		wantCode(t, c.call(&md), codes.FailedPrecondition)
		equal(t, md.Get("exception"), []string{"wrong-expected-version"})
		equal(t, md.Get("stream-name"), []string{c.stream})
		equal(t, md.Get("expected-version"), []string{c.expected})
		equal(t, md.Get("actual-version"), []string{c.actual})
	}
}
