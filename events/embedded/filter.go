package embedded

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// filter selects records of $all by stream name or event type. A nil filter means none was asked for.
type filter struct {
	byType   bool
	pattern  *regexp.Regexp
	prefixes []string
}

func newFilter(byType bool, pattern string, prefixes []string) (*filter, error) {
	f := &filter{byType: byType, prefixes: prefixes}
	if pattern == "" {
		if len(prefixes) == 0 {
			return nil, errInvalid("a filter needs a regular expression or prefixes")
		}
		return f, nil
	}
	var err error
	if f.pattern, err = regexp.Compile(pattern); err != nil {
		return nil, errInvalid(fmt.Sprintf("the filter is not a regular expression that RE2 knows: %v", err))
	}
	return f, nil
}

// matches tells whether a reader of $all sees the record. Without a filter, EventStoreDB hides its own bookkeeping.
func (f *filter) matches(r *record) bool {
	if f == nil {
		return !hiddenFromAll(r.Stream)
	}
	subject := r.Stream
	if f.byType {
		subject = r.Type
	}
	if f.pattern != nil {
		return f.pattern.MatchString(subject)
	}
	for _, p := range f.prefixes {
		if strings.HasPrefix(subject, p) {
			return true
		}
	}
	return false
}

func hiddenFromAll(stream string) bool {
	if stream == "" || stream[0] != '$' {
		return false
	}
	return stream == "$epoch-information" || strings.HasPrefix(stream, groupStreamPrefix+"$all::") &&
		(strings.HasSuffix(stream, checkpointSuffix) || strings.HasSuffix(stream, parkedSuffix))
}

// Streams in which persistent subscriptions keep their checkpoints and parked events.
const (
	groupStreamPrefix = "$persistentsubscription-"
	checkpointSuffix  = "-checkpoint"
	parkedSuffix      = "-parked"
)

// defaultWindow is the search window of filters that name none.
const defaultWindow = 32

// readFilter is the filter of a read, and after how many considered events a subscription sends a checkpoint.
func readFilter(o *streams.ReadReq_Options_FilterOptions) (f *filter, interval uint64, err error) {
	if o == nil {
		return nil, 0, nil
	}
	switch e := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_EventType:
		f, err = newFilter(true, e.EventType.GetRegex(), e.EventType.GetPrefix())
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		f, err = newFilter(false, e.StreamIdentifier.GetRegex(), e.StreamIdentifier.GetPrefix())
	default:
		err = errInvalid("the filter names neither streams nor event types")
	}
	window := uint64(defaultWindow)
	if m, ok := o.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok && m.Max > 0 {
		window = uint64(m.Max)
	}
	return f, window * uint64(o.GetCheckpointIntervalMultiplier()), err
}
