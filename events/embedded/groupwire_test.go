package embedded_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"annals/events/embedded"
)

func TestAGroupIsRefusedWithItsNamesInTheTrailers(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	names := func(md metadata.MD, exception string) {
		t.Helper()
		equal(t, md.Get("exception"), []string{exception})
		equal(t, md.Get("stream-name"), []string{"s"})
		equal(t, md.Get("group-name"), []string{"g/1"})
	}
	md, err := r.createGroup("s", func(o *persistent.CreateReq_Options) { o.Settings.ConsumerStrategy = "Guess" })
	wantCode(t, err, codes.Internal)
	names(md, "persistent-subscription-failed")
	holds(t, strings.Contains(md.Get("reason")[0], "Guess"), "the reason is missing")
	md, err = r.createGroup("s", func(o *persistent.CreateReq_Options) { o.Settings.ReadBatchSize = 500 })
	wantCode(t, err, codes.Internal)
	names(md, "persistent-subscription-failed")
	_, err = r.createGroup("s", func(o *persistent.CreateReq_Options) { o.Settings.MaxSubscriberCount = 1 })
	must(t, err)
	md, err = r.createGroup("s", func(*persistent.CreateReq_Options) {})
	wantCode(t, err, codes.AlreadyExists)
	names(md, "persistent-subscription-exists")
	read := func() (persistent.PersistentSubscriptions_ReadClient, error) {
		call, err := r.groups.Read(r.ctx)
		must(t, err)
		must(t, call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
			StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
			GroupName:    "g/1", BufferSize: 10,
		}}}))
		first, err := call.Recv()
		if err == nil {
			equal(t, first.GetSubscriptionConfirmation().GetSubscriptionId(), "s::g/1")
		}
		return call, err
	}
	first, err := read()
	must(t, err)
	second, err := read()
	wantCode(t, err, codes.FailedPrecondition)
	holds(t, strings.HasPrefix(status.Convert(err).Message(), "Maximum subscriptions reached"), err.Error())
	names(second.Trailer(), "maximum-subscribers-reached")
	_, err = r.groups.RestartSubsystem(r.ctx, none)
	must(t, err)
	_, err = first.Recv()
	wantCode(t, err, codes.Canceled)
	names(first.Trailer(), "persistent-subscription-dropped")
	remove := &persistent.DeleteReq{Options: &persistent.DeleteReq_Options{
		StreamOption: &persistent.DeleteReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
		GroupName:    "g/1",
	}}
	_, err = r.groups.Delete(r.ctx, remove)
	must(t, err)
	_, err = r.groups.Delete(r.ctx, remove, grpc.Trailer(&md))
	wantCode(t, err, codes.NotFound)
	names(md, "persistent-subscription-does-not-exist")
}

func TestAGroupIsDescribedInTheFormsThatClientsParse(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	_, err := r.createGroup("s", func(o *persistent.CreateReq_Options) {
		o.StreamOption = nil                                                   // as clients before 21.10 did it
		o.StreamIdentifier = &shared.StreamIdentifier{StreamName: []byte("s")} //nolint:staticcheck // as they still do
		o.Settings.Revision = 7                                                //nolint:staticcheck // likewise
		o.Settings.ConsumerStrategy = ""
		o.Settings.NamedConsumerStrategy = persistent.CreateReq_Pinned //nolint:staticcheck // likewise
		o.Settings.MessageTimeout = &persistent.CreateReq_Settings_MessageTimeoutTicks{MessageTimeoutTicks: 50_000}
		o.Settings.CheckpointAfter = &persistent.CreateReq_Settings_CheckpointAfterMs{}
	})
	must(t, err)
	i := r.groupInfo(t, "s")
	equal(t, []string{i.GetStartFrom(), i.GetNamedConsumerStrategy(), i.GetLastCheckpointedEventPosition(), i.GetLastKnownEventPosition(), i.GetStatus()},
		[]string{"7", "Pinned", "", "", "Live"})
	equal(t, i.GetMessageTimeoutMilliseconds(), 5)
	for stream, from := range map[string]struct {
		want string
		set  func(*persistent.CreateReq_Options)
	}{
		"from the start": {"0", func(*persistent.CreateReq_Options) {}},
		"from the end": {"-1", func(o *persistent.CreateReq_Options) {
			o.GetStream().RevisionOption = &persistent.CreateReq_StreamOptions_End{End: none}
		}},
		"never timed out": {"0", func(o *persistent.CreateReq_Options) {
			o.Settings.NamedConsumerStrategy = persistent.CreateReq_Pinned //nolint:staticcheck // ConsumerStrategy wins
			o.Settings.MessageTimeout = &persistent.CreateReq_Settings_MessageTimeoutMs{}
		}},
	} {
		_, err := r.createGroup(stream, from.set)
		must(t, err)
		equal(t, r.groupInfo(t, stream).GetStartFrom(), from.want)
		equal(t, r.groupInfo(t, stream).GetNamedConsumerStrategy(), "RoundRobin")
	}
	equal(t, r.groupInfo(t, "never timed out").GetMessageTimeoutMilliseconds(), 0)
	for name, from := range map[string]struct {
		want  string
		start esdb.AllPosition
	}{"a": {"C:0/P:0", esdb.Start{}}, "b": {"C:-1/P:-1", esdb.End{}}, "c": {"C:5/P:5", esdb.Position{Commit: 5, Prepare: 5}}} {
		must(t, n.CreatePersistentSubscriptionToAll(testContext(t), name, esdb.PersistentAllSubscriptionOptions{StartFrom: from.start}))
		info, err := r.groups.GetInfo(r.ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
			StreamOption: &persistent.GetInfoReq_Options_All{All: none}, GroupName: name,
		}})
		must(t, err)
		equal(t, info.GetSubscriptionInfo().GetStartFrom(), from.want)
		equal(t, info.GetSubscriptionInfo().GetLastKnownEventPosition()[:2], "C:")
	}
}

func TestWhoIsConnectedIsToldWithItsNameAndAccount(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	_, err := r.createGroup("s", func(*persistent.CreateReq_Options) {})
	must(t, err)
	ctx := metadata.AppendToOutgoingContext(r.ctx, "connection-name", "the reader", "requires-leader", "true", "authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l")
	call, err := r.groups.Read(ctx)
	must(t, err)
	must(t, call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
		GroupName:    "g/1", BufferSize: 10,
	}}}))
	_, err = call.Recv()
	must(t, err)
	c := r.groupInfo(t, "s").GetConnections()
	equal(t, len(c), 1)
	equal(t, []string{c[0].GetConnectionName(), c[0].GetUsername()}, []string{"the reader", "aladdin"})
	equal(t, c[0].GetAvailableSlots(), 10)
}

func TestAStopAnswersNothingAndAParkedEventTellsWhy(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 2)...)
	m := n.join(t, "s", 5)
	first, second := m.expect("s/0 try 0"), m.expect("s/1 try 0")
	must(t, m.Nack("stop", esdb.NackActionStop, first))
	must(t, m.Nack("a reason", esdb.NackActionPark, second))
	eventually(t, "one is parked", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 1 })
	equal(t, n.info(t, "s").Stats.TotalInFlightMessages, 1) // the stopped one
	link := n.read(t, "$persistentsubscription-s::g-parked", esdb.ReadStreamOptions{})[0].Event
	equal(t, []string{link.EventType, string(link.Data)}, []string{"$>", "1@s"})
	for _, key := range []string{`"added":"`, `"reason":"a reason"`, `"subscriptionEventNumber":1`} {
		holds(t, strings.Contains(string(link.UserMetadata), key), string(link.UserMetadata))
	}
}

func TestReplayedEventsComeOnceAndNeverMoveTheCheckpoint(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 4)...)
	m := n.join(t, "s", 2)
	must(t, m.Nack("", esdb.NackActionPark, m.expect("s/0 try 0"), m.expect("s/1 try 0")))
	m.expect("s/2 try 0") // stays open: the checkpoint stands before it
	third := m.expect("s/3 try 0")
	eventually(t, "both are parked", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 2 })
	at := func() uint64 {
		if p := n.info(t, "s").Stats.LastCheckpointedEventRevision; p != nil {
			return *p
		}
		return 99
	}
	eventually(t, "the checkpoint is behind the parked", func() bool { return at() == 1 })
	replay := func() {
		must(t, n.ReplayParkedMessages(testContext(t), "s", "g", esdb.ReplayParkedMessagesOptions{}))
	}
	replay()
	replay() // goes on with the first
	must(t, m.Ack(third))
	must(t, m.Ack(m.expect("s/0 try 0")))
	must(t, m.Ack(m.expect("s/1 try 0")))
	eventually(t, "nothing is parked", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 0 })
	n.append(t, "s", named("T", 1)...)
	m.expect("s/4 try 0")
	equal(t, at(), 1)
	written := n.read(t, "$persistentsubscription-s::g-checkpoint", esdb.ReadStreamOptions{})
	last := written[len(written)-1].Event
	equal(t, []string{last.EventType, string(last.Data)}, []string{"$SubscriptionCheckpoint", `"1"`})
	meta := n.read(t, "$$$persistentsubscription-s::g-checkpoint", esdb.ReadStreamOptions{})
	equal(t, string(meta[0].Event.Data), `{"$maxCount":2}`)
}

func TestWhatIsRetriedComesBeforeWhatIsNewInTheOrderOfTheStream(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 6)...)
	m := n.join(t, "s", 3)
	a, b, c := m.expect("s/0 try 0"), m.expect("s/1 try 0"), m.expect("s/2 try 0")
	must(t, m.Nack("", esdb.NackActionRetry, c, b, a)) // one message: all are back before any is handed out
	m.expect("s/0 try 1")
	m.expect("s/1 try 1")
	m.expect("s/2 try 1")
}

func TestAConsumersAnswersAreMeasuredForThoseWhoAsk(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.ExtraStatistics = true
	n.createGroup(t, "s", settings)
	n.append(t, "s", named("T", 3)...)
	m := n.join(t, "s", 1)
	for i := range 3 {
		must(t, m.Ack(m.expect(fmt.Sprintf("s/%d try 0", i))))
	}
	eventually(t, "all are answered", func() bool { return n.info(t, "s").Stats.TotalInFlightMessages == 0 })
	connection := func() *persistent.SubscriptionInfo_ConnectionInfo {
		resp, err := n.raw(t).groups.GetInfo(testContext(t), &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
			StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
			GroupName:    "g",
		}})
		must(t, err)
		return resp.GetSubscriptionInfo().GetConnections()[0]
	}
	c, told := connection(), map[string]int64{}
	for _, s := range c.GetObservedMeasurements() {
		told[s.GetKey()] = s.GetValue()
	}
	for _, key := range []string{
		"Highest", "Mean", "Median", "Fastest", "Quintile 1", "Quintile 2", "Quintile 3", "Quintile 4", "Quintile 5",
		"90%", "95%", "99%", "99.5%", "99.9%",
	} {
		holds(t, told[key] > 0, key+" is missing")
	}
	holds(t, told["Fastest"] <= told["Median"] && told["Median"] <= told["Highest"], fmt.Sprint("they do not ascend: ", told))
	equal(t, c.GetTotalItems(), 3)
	n.append(t, "s", named("T", 2)...)
	must(t, m.Ack(m.expect("s/3 try 0")))
	m.expect("s/4 try 0")
	equal(t, connection().GetCountSinceLastMeasurement(), 2)
	equal(t, connection().GetCountSinceLastMeasurement(), 0)
}

func TestAGroupOnAllDoesNotBeginBehindTheEnd(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	head := n.append(t, "s", named("T", 1)...).CommitPosition
	r := n.raw(t)
	at := func(position uint64) (metadata.MD, error) {
		return r.createGroup("", func(o *persistent.CreateReq_Options) {
			o.StreamOption = &persistent.CreateReq_Options_All{All: &persistent.CreateReq_AllOptions{
				AllOption: &persistent.CreateReq_AllOptions_Position{Position: &persistent.CreateReq_Position{CommitPosition: position, PreparePosition: position}},
			}}
		})
	}
	md, err := at(head + 1)
	wantCode(t, err, codes.Internal)
	equal(t, md.Get("exception"), []string{"persistent-subscription-failed"})
	holds(t, strings.Contains(md.Get("reason")[0], "end"), "the reason is missing")
	_, err = at(head)
	must(t, err)
}
