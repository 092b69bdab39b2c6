package embedded

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
)

// persistentAPI answers the PersistentSubscriptions service.
type persistentAPI struct {
	persistent.UnimplementedPersistentSubscriptionsServer
	node *Node
}

// source is the stream that a request names, or allStream.
func source(all *shared.Empty, stream *shared.StreamIdentifier) (string, error) {
	if all != nil {
		return allStream, nil
	}
	return streamName(stream)
}

// Create implements persistent.PersistentSubscriptionsServer.
func (p *persistentAPI) Create(ctx context.Context, req *persistent.CreateReq) (*persistent.CreateResp, error) {
	o := req.GetOptions()
	c := groupConfig{ID: uuid.New(), Group: o.GetGroupName()}
	from, err := createSource(&c, o)
	if err != nil {
		return nil, err
	}
	if err := c.setCreate(o.GetSettings()); err != nil {
		return nil, err
	}
	if err := p.begin(ctx, &c, from); err != nil {
		return nil, err
	}
	if err := p.node.groups.create(ctx, c); err != nil {
		return nil, err
	}
	return &persistent.CreateResp{}, nil
}

// createSource sets the stream and the filter, and finds where to begin: a revision or position, or wireEnd.
func createSource(c *groupConfig, o *persistent.CreateReq_Options) (from uint64, err error) {
	switch src := o.GetStreamOption().(type) {
	case *persistent.CreateReq_Options_Stream:
		if c.Stream, err = streamName(src.Stream.GetStreamIdentifier()); err != nil {
			return 0, err
		}
		switch r := src.Stream.GetRevisionOption().(type) {
		case *persistent.CreateReq_StreamOptions_Revision:
			from = r.Revision
		case *persistent.CreateReq_StreamOptions_End:
			from = wireEnd
		}
	case *persistent.CreateReq_Options_All:
		c.Stream = allStream
		switch r := src.All.GetAllOption().(type) {
		case *persistent.CreateReq_AllOptions_Position:
			from = r.Position.GetCommitPosition()
		case *persistent.CreateReq_AllOptions_End:
			from = wireEnd
		}
		c.Filter, err = groupFilterOf(src.All.GetFilter())
	default: // clients before 21.10
		c.Stream, err = streamName(o.GetStreamIdentifier()) //nolint:staticcheck // clients still send it
		from = o.GetSettings().GetRevision()                //nolint:staticcheck // clients still send it
	}
	return from, err
}

// begin fixes what the start means now, and how it is told.
func (p *persistentAPI) begin(ctx context.Context, c *groupConfig, from uint64) error {
	if from > maxRevision && from != wireEnd {
		return c.failed("the start is out of range")
	}
	c.Begin, c.StartFrom = from, c.place(from)
	head, _ := p.node.tail.position()
	switch {
	case from != wireEnd && c.ofAll() && from > head:
		return c.failed("the start is behind the end of the log")
	case from != wireEnd:
		return nil
	case c.ofAll():
		c.Begin, c.StartFrom = head+1, "C:-1/P:-1"
		return nil
	}
	st, _, err := p.node.view(ctx, c.Stream)
	c.Begin, c.StartFrom = uint64(st.Last+1), "-1"
	return err
}

func groupFilterOf(o *persistent.CreateReq_AllOptions_FilterOptions) (*groupFilter, error) {
	if o == nil {
		return nil, nil
	}
	e, byType := o.GetEventType(), true
	if e == nil {
		e, byType = o.GetStreamIdentifier(), false
	}
	f := &groupFilter{ByType: byType, Pattern: e.GetRegex(), Prefixes: e.GetPrefix()}
	_, err := newFilter(byType, f.Pattern, f.Prefixes)
	return f, err
}

// Update implements persistent.PersistentSubscriptionsServer: filter and checkpoint stay as they are.
func (p *persistentAPI) Update(ctx context.Context, req *persistent.UpdateReq) (*persistent.UpdateResp, error) {
	o := req.GetOptions()
	stream, from, err := updateSource(o)
	if err != nil {
		return nil, err
	}
	err = p.node.groups.update(ctx, stream, o.GetGroupName(), func(c *groupConfig) error {
		if err := c.setUpdate(o.GetSettings()); err != nil {
			return err
		}
		return p.begin(ctx, c, from)
	})
	if err != nil {
		return nil, err
	}
	return &persistent.UpdateResp{}, nil
}

func updateSource(o *persistent.UpdateReq_Options) (stream string, from uint64, err error) {
	switch src := o.GetStreamOption().(type) {
	case *persistent.UpdateReq_Options_Stream:
		switch r := src.Stream.GetRevisionOption().(type) {
		case *persistent.UpdateReq_StreamOptions_Revision:
			from = r.Revision
		case *persistent.UpdateReq_StreamOptions_End:
			from = wireEnd
		}
		stream, err = streamName(src.Stream.GetStreamIdentifier())
	case *persistent.UpdateReq_Options_All:
		stream = allStream
		switch r := src.All.GetAllOption().(type) {
		case *persistent.UpdateReq_AllOptions_Position:
			from = r.Position.GetCommitPosition()
		case *persistent.UpdateReq_AllOptions_End:
			from = wireEnd
		}
	default: // clients before 21.10
		stream, err = streamName(o.GetStreamIdentifier()) //nolint:staticcheck // clients still send it
		from = o.GetSettings().GetRevision()              //nolint:staticcheck // clients still send it
	}
	return stream, from, err
}

// Delete implements persistent.PersistentSubscriptionsServer.
func (p *persistentAPI) Delete(ctx context.Context, req *persistent.DeleteReq) (*persistent.DeleteResp, error) {
	o := req.GetOptions()
	stream, err := source(o.GetAll(), o.GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	if err := p.node.groups.remove(ctx, stream, o.GetGroupName()); err != nil {
		return nil, err
	}
	return &persistent.DeleteResp{}, nil
}

// ReplayParked implements persistent.PersistentSubscriptionsServer.
func (p *persistentAPI) ReplayParked(ctx context.Context, req *persistent.ReplayParkedReq) (*persistent.ReplayParkedResp, error) {
	o := req.GetOptions()
	stream, err := source(o.GetAll(), o.GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	if o.GetStopAt() < 0 {
		return nil, errInvalid("stop_at must not be negative")
	}
	g, err := p.node.groups.find(stream, o.GetGroupName())
	if err != nil {
		return nil, err
	}
	if !g.call(ctx, func(ctx context.Context) { err = g.startReplay(ctx, o.GetStopAt()) }) {
		return nil, errGroupDropped(stream, o.GetGroupName())
	}
	if err != nil {
		return nil, err
	}
	return &persistent.ReplayParkedResp{}, nil
}

// RestartSubsystem implements persistent.PersistentSubscriptionsServer.
func (p *persistentAPI) RestartSubsystem(ctx context.Context, _ *shared.Empty) (*shared.Empty, error) {
	if err := p.node.groups.restart(ctx); err != nil {
		return nil, err
	}
	return &shared.Empty{}, nil
}
