package embedded

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Read implements persistent.PersistentSubscriptionsServer: options, then answers, against a confirmation, then events.
func (p *persistentAPI) Read(stream persistent.PersistentSubscriptions_ReadServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	o := first.GetOptions()
	if o == nil {
		return errInvalid("a persistent subscription begins with its options")
	}
	name, err := source(o.GetAll(), o.GetStreamIdentifier())
	if err != nil {
		return err
	}
	g, err := p.node.groups.find(name, o.GetGroupName())
	if err != nil {
		return err
	}
	ctx := stream.Context()
	c := newConsumer(o.GetBufferSize())
	c.describe(ctx)
	if !g.call(ctx, func(context.Context) { err = g.connect(c) }) {
		return errGroupDropped(name, o.GetGroupName())
	}
	if err != nil {
		return err
	}
	defer g.post(context.WithoutCancel(ctx), func(context.Context) { g.drop(c, errStopped) })
	if err := stream.Send(&persistent.ReadResp{Content: &persistent.ReadResp_SubscriptionConfirmation_{
		SubscriptionConfirmation: &persistent.ReadResp_SubscriptionConfirmation{SubscriptionId: g.name()},
	}}); err != nil {
		return err
	}
	_, stringIDs := o.GetUuidOption().GetContent().(*persistent.ReadReq_Options_UUIDOption_String_)
	return p.deliver(stream, g, c, stringIDs)
}

// deliver sends what the group hands to the consumer until one of both ends.
func (p *persistentAPI) deliver(
	stream persistent.PersistentSubscriptions_ReadServer, g *group, c *consumer, stringIDs bool,
) error {
	ctx := stream.Context()
	answers := make(chan error, 1)
	go func() { answers <- g.listen(stream, c) }()
	for {
		select {
		case it := <-c.out:
			e, err := p.node.resolve(ctx, it.record, g.Resolve)
			if err != nil {
				return err
			}
			if err := stream.Send(wirePersistent(e, it.retries, stringIDs)); err != nil {
				return err
			}
		case err := <-answers:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-c.dropped:
			return c.reason
		case <-p.node.closing:
			return errStopped
		}
	}
}

// listen passes the answers of a consumer on to the group until its stream ends.
func (g *group) listen(stream persistent.PersistentSubscriptions_ReadServer, c *consumer) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return err
		}
		var answer func(context.Context, []uuid.UUID)
		var wire []*shared.UUID
		switch r := req.GetContent().(type) {
		case *persistent.ReadReq_Ack_:
			wire = r.Ack.GetIds()
			answer = func(ctx context.Context, ids []uuid.UUID) { g.ack(ctx, c, ids) }
		case *persistent.ReadReq_Nack_:
			wire = r.Nack.GetIds()
			answer = func(ctx context.Context, ids []uuid.UUID) {
				g.nack(ctx, c, ids, r.Nack.GetAction(), r.Nack.GetReason())
			}
		default:
			return errInvalid("only acknowledgements follow the options")
		}
		ids := make([]uuid.UUID, len(wire))
		for i := range wire {
			if ids[i], err = parseUUID(wire[i]); err != nil {
				return err
			}
		}
		if !g.post(stream.Context(), func(ctx context.Context) { answer(ctx, ids) }) {
			return errGroupDropped(g.Stream, g.Group)
		}
	}
}

// describe keeps who is connected, for those who ask.
func (c *consumer) describe(ctx context.Context) {
	if p, ok := peer.FromContext(ctx); ok {
		c.address = p.Addr.String()
		if _, unix := p.Addr.(*net.UnixAddr); unix {
			c.address = "unix"
		}
	}
	if names := metadata.ValueFromIncomingContext(ctx, "connection-name"); len(names) > 0 {
		c.name = names[0]
	}
	c.user = login(ctx)
}

func wirePersistent(e resolved, retries int32, stringIDs bool) *persistent.ReadResp {
	return &persistent.ReadResp{Content: &persistent.ReadResp_Event{Event: &persistent.ReadResp_ReadEvent{
		Event:    wirePersistentRecord(e.event, stringIDs),
		Link:     wirePersistentRecord(e.link, stringIDs),
		Position: &persistent.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.original().Position},
		Count:    &persistent.ReadResp_ReadEvent_RetryCount{RetryCount: retries},
	}}}
}

func wirePersistentRecord(r *record, stringIDs bool) *persistent.ReadResp_ReadEvent_RecordedEvent {
	if r == nil {
		return nil
	}
	return &persistent.ReadResp_ReadEvent_RecordedEvent{
		Id:               wireUUID(r.ID, stringIDs),
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.Stream)},
		StreamRevision:   uint64(r.Revision),
		PreparePosition:  r.Position,
		CommitPosition:   r.Position,
		Metadata:         wireMetadata(r),
		CustomMetadata:   r.Metadata,
		Data:             r.Data,
	}
}
