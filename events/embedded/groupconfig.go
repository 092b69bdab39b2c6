package embedded

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/google/uuid"
)

// allStream is how $all is named where persistent subscriptions name their source.
const allStream = "$all"

// groupConfig is a persistent subscription as it was created; it is stored as JSON.
type groupConfig struct {
	ID     uuid.UUID `json:"id"`     // tells it from an earlier one of the same name
	Stream string    `json:"stream"` // allStream for $all
	Group  string    `json:"group"`
	// StartFrom is what was asked for, as clients read it back. Begin is the first revision or position that it meant
	// at the time: events after "end" count from the creation, not from the first connection.
	StartFrom string       `json:"startFrom"`
	Begin     uint64       `json:"begin"`
	Filter    *groupFilter `json:"filter,omitempty"`
	groupSettings
}

// groupSettings are what a client may change of a subscription that exists.
type groupSettings struct {
	Resolve         bool   `json:"resolve"`
	ExtraStatistics bool   `json:"extraStatistics"`
	MaxRetries      int32  `json:"maxRetries"`
	MinCheckpoint   int32  `json:"minCheckpoint"`
	MaxCheckpoint   int32  `json:"maxCheckpoint"`
	MaxSubscribers  int32  `json:"maxSubscribers"` // 0: any number
	LiveBuffer      int32  `json:"liveBuffer"`
	ReadBatch       int32  `json:"readBatch"`
	HistoryBuffer   int32  `json:"historyBuffer"`
	TimeoutMS       int32  `json:"timeoutMs"` // 0: never
	CheckpointMS    int32  `json:"checkpointMs"`
	Strategy        string `json:"strategy"`
}

// groupFilter is the stored form of a filter.
type groupFilter struct {
	ByType   bool     `json:"byType"`
	Pattern  string   `json:"pattern,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
}

func (c *groupConfig) name() string { return c.Stream + "::" + c.Group }

func (c *groupConfig) ofAll() bool { return c.Stream == allStream }

// key tells groups apart whose names only look alike when put together.
func (c *groupConfig) key() string { return groupID(c.Stream, c.Group) }

func groupID(stream, group string) string {
	return strconv.Itoa(len(stream)) + ":" + stream + "::" + group
}

func (c *groupConfig) checkpointStream() string {
	return groupStreamPrefix + c.name() + checkpointSuffix
}

func (c *groupConfig) parkedStream() string { return groupStreamPrefix + c.name() + parkedSuffix }

func (c *groupConfig) timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

func (c *groupConfig) checkpointAfter() time.Duration {
	return time.Duration(c.CheckpointMS) * time.Millisecond
}

// place is how a revision of the source, or a position of $all, is written in checkpoints and told to clients.
func (c *groupConfig) place(n uint64) string {
	if c.ofAll() {
		return fmt.Sprintf("C:%d/P:%d", n, n)
	}
	return strconv.FormatUint(n, 10)
}

// parsePlace reads what place wrote.
func parsePlace(s string) (uint64, error) {
	if commit, ok := strings.CutPrefix(s, "C:"); ok {
		s, _, _ = strings.Cut(commit, "/")
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a revision nor a position: %w", s, err)
	}
	return n, nil
}

// Consumer strategies by their names on the wire.
const (
	dispatchToSingle    = "DispatchToSingle"
	roundRobin          = "RoundRobin"
	pinned              = "Pinned"
	pinnedByCorrelation = "PinnedByCorrelation"
)

// settings are what creating and updating have in common.
type settings interface {
	GetResolveLinks() bool
	GetExtraStatistics() bool
	GetMaxRetryCount() int32
	GetMinCheckpointCount() int32
	GetMaxCheckpointCount() int32
	GetMaxSubscriberCount() int32
	GetLiveBufferSize() int32
	GetReadBatchSize() int32
	GetHistoryBufferSize() int32
}

// Defaults of EventStoreDB for what a request may leave out.
const (
	defaultTimeoutMS    = 30_000
	defaultCheckpointMS = 2_000
	ticksPerMS          = 10_000
	// largestBuffer bounds what one group or connection may make the node hold.
	largestBuffer = 10_000
)

func (c *groupConfig) set(s settings, strategy string) error {
	c.Resolve, c.ExtraStatistics = s.GetResolveLinks(), s.GetExtraStatistics()
	c.MaxRetries = s.GetMaxRetryCount()
	c.MinCheckpoint, c.MaxCheckpoint = s.GetMinCheckpointCount(), s.GetMaxCheckpointCount()
	c.MaxSubscribers = s.GetMaxSubscriberCount()
	c.LiveBuffer, c.ReadBatch, c.HistoryBuffer = s.GetLiveBufferSize(), s.GetReadBatchSize(), s.GetHistoryBufferSize()
	c.Strategy = strategy
	switch strategy {
	case dispatchToSingle, roundRobin, pinned, pinnedByCorrelation:
	default:
		return c.failed(fmt.Sprintf("consumer strategy %q is not known", strategy))
	}
	switch {
	case c.Group == "":
		return c.failed("the group's name is missing")
	case c.ReadBatch >= c.HistoryBuffer:
		return c.failed("the history buffer size must be larger than the read batch size")
	case c.MaxRetries < 0 || c.MinCheckpoint < 0 || c.MaxCheckpoint < 0 || c.MaxSubscribers < 0 || c.ReadBatch < 0 ||
		c.LiveBuffer < 0 || c.TimeoutMS < 0 || c.CheckpointMS < 0:
		return c.failed("a setting is negative")
	}
	return nil
}

func (c *groupConfig) failed(reason string) error { return errGroupFailed(c.Stream, c.Group, reason) }

func (c *groupConfig) setCreate(s *persistent.CreateReq_Settings) error {
	c.TimeoutMS, c.CheckpointMS = defaultTimeoutMS, defaultCheckpointMS
	switch t := s.GetMessageTimeout().(type) {
	case *persistent.CreateReq_Settings_MessageTimeoutMs:
		c.TimeoutMS = t.MessageTimeoutMs
	case *persistent.CreateReq_Settings_MessageTimeoutTicks:
		c.TimeoutMS = int32(t.MessageTimeoutTicks / ticksPerMS)
	}
	switch t := s.GetCheckpointAfter().(type) {
	case *persistent.CreateReq_Settings_CheckpointAfterMs:
		c.CheckpointMS = t.CheckpointAfterMs
	case *persistent.CreateReq_Settings_CheckpointAfterTicks:
		c.CheckpointMS = int32(t.CheckpointAfterTicks / ticksPerMS)
	}
	strategy := s.GetConsumerStrategy()
	if strategy == "" {
		strategy = s.GetNamedConsumerStrategy().String() //nolint:staticcheck // clients still send it
	}
	return c.set(s, strategy)
}

func (c *groupConfig) setUpdate(s *persistent.UpdateReq_Settings) error {
	switch t := s.GetMessageTimeout().(type) {
	case *persistent.UpdateReq_Settings_MessageTimeoutMs:
		c.TimeoutMS = t.MessageTimeoutMs
	case *persistent.UpdateReq_Settings_MessageTimeoutTicks:
		c.TimeoutMS = int32(t.MessageTimeoutTicks / ticksPerMS)
	}
	switch t := s.GetCheckpointAfter().(type) {
	case *persistent.UpdateReq_Settings_CheckpointAfterMs:
		c.CheckpointMS = t.CheckpointAfterMs
	case *persistent.UpdateReq_Settings_CheckpointAfterTicks:
		c.CheckpointMS = int32(t.CheckpointAfterTicks / ticksPerMS)
	}
	return c.set(s, s.GetNamedConsumerStrategy().String())
}
