package embedded

import (
	"context"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
)

// GetInfo implements persistent.PersistentSubscriptionsServer.
func (p *persistentAPI) GetInfo(ctx context.Context, req *persistent.GetInfoReq) (*persistent.GetInfoResp, error) {
	o := req.GetOptions()
	stream, err := source(o.GetAll(), o.GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	g, err := p.node.groups.find(stream, o.GetGroupName())
	if err != nil {
		return nil, err
	}
	info, err := g.info(ctx)
	if err != nil {
		return nil, err
	}
	return &persistent.GetInfoResp{SubscriptionInfo: info}, nil
}

// List implements persistent.PersistentSubscriptionsServer. A stream without groups is an error, a node without is not.
func (p *persistentAPI) List(ctx context.Context, req *persistent.ListReq) (*persistent.ListResp, error) {
	keep := func(*group) bool { return true }
	only := req.GetOptions().GetListForStream()
	var stream string
	if only != nil {
		var err error
		if stream, err = source(only.GetAll(), only.GetStream()); err != nil {
			return nil, err
		}
		keep = func(g *group) bool { return g.Stream == stream }
	}
	found := p.node.groups.all(keep)
	if only != nil && len(found) == 0 {
		return nil, errGroupMissing(stream, "")
	}
	resp := &persistent.ListResp{}
	for _, g := range found {
		info, err := g.info(ctx)
		if err != nil {
			return nil, err
		}
		resp.Subscriptions = append(resp.Subscriptions, info)
	}
	return resp, nil
}

// info is what clients may know of the group now.
func (g *group) info(ctx context.Context) (info *persistent.SubscriptionInfo, err error) {
	if !g.call(ctx, func(ctx context.Context) { info, err = g.describe(ctx) }) {
		return nil, errGroupDropped(g.Stream, g.Group)
	}
	return info, err
}

func (g *group) describe(ctx context.Context) (*persistent.SubscriptionInfo, error) {
	parked, err := g.parkedCount(ctx)
	if err != nil {
		return nil, err
	}
	known, err := g.lastKnown(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	i := &persistent.SubscriptionInfo{
		EventSource: g.Stream, GroupName: g.Group, Status: "Live", TotalItems: g.passed.total,
		AveragePerSecond: g.passed.perSecond(now), CountSinceLastMeasurement: g.passed.sinceAsked(),
		LastKnownEventPosition: known, ResolveLinkTos: g.Resolve, StartFrom: g.StartFrom,
		MessageTimeoutMilliseconds: g.TimeoutMS, ExtraStatistics: g.ExtraStatistics, MaxRetryCount: g.MaxRetries,
		LiveBufferSize: g.LiveBuffer, BufferSize: g.HistoryBuffer, ReadBatchSize: g.ReadBatch,
		CheckPointAfterMilliseconds: g.CheckpointMS, MinCheckPointCount: g.MinCheckpoint,
		MaxCheckPointCount: g.MaxCheckpoint, ReadBufferCount: int32(len(g.pending)),
		RetryBufferCount: int32(len(g.retry) + len(g.replay.items)), NamedConsumerStrategy: g.Strategy,
		MaxSubscriberCount: g.MaxSubscribers, ParkedMessageCount: parked,
	}
	if g.feed.disk {
		i.Status = "Behind"
	}
	if g.progress.any {
		i.LastCheckpointedEventPosition = g.place(g.progress.written)
	}
	for _, c := range g.consumers {
		i.TotalInFlightMessages += int32(c.flying)
		i.Connections = append(i.Connections, c.info(now, g.ExtraStatistics))
	}
	i.OutstandingMessagesCount = i.TotalInFlightMessages
	return i, nil
}

// info is what clients may know of the consumer now.
func (c *consumer) info(now time.Time, statistics bool) *persistent.SubscriptionInfo_ConnectionInfo {
	i := &persistent.SubscriptionInfo_ConnectionInfo{
		From: c.address, Username: c.user, ConnectionName: c.name, TotalItems: c.total,
		AverageItemsPerSecond: c.perSecond(now), CountSinceLastMeasurement: c.sinceAsked(),
		AvailableSlots: int32(c.capacity - c.flying), InFlightMessages: int32(c.flying),
	}
	if statistics {
		i.ObservedMeasurements = c.answered.measurements()
	}
	return i
}

// lastKnown is the newest event of the source, empty when there is none.
func (g *group) lastKnown(ctx context.Context) (string, error) {
	if g.ofAll() {
		head, _ := g.node.tail.position()
		return g.place(head), nil
	}
	st, _, err := g.node.view(ctx, g.Stream)
	if err != nil || st.Last < 0 {
		return "", err
	}
	return g.place(uint64(st.Last)), nil
}
