package embedded

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/dlclark/regexp2"
)

// filter selects records of $all by stream name or event type. A nil filter means none was asked for.
type filter struct {
	byType   bool
	pattern  pattern // nil: prefixes
	prefixes []string
}

// pattern is a regular expression.
type pattern interface{ MatchString(s string) bool }

// dotNet is a regular expression of EventStoreDB's own kind, for those that Go's does not know: with the Python client
// every filter that excludes looks ahead.
type dotNet struct{ *regexp2.Regexp }

// matchTimeout bounds how long an expression that tracks back may try on one name.
const matchTimeout = 100 * time.Millisecond

// MatchString holds for what cannot be decided in time: a reader can bear an event too many, but not one too few.
func (d dotNet) MatchString(s string) bool {
	matched, err := d.Regexp.MatchString(s)
	return matched || err != nil
}

func newPattern(expression string) (pattern, error) {
	if re, err := regexp.Compile(expression); err == nil {
		return re, nil
	}
	re, err := regexp2.Compile(expression, regexp2.None)
	if err != nil {
		return nil, errInvalid(fmt.Sprintf("the filter is not a regular expression: %v", err))
	}
	re.MatchTimeout = matchTimeout
	return dotNet{re}, nil
}

func newFilter(byType bool, expression string, prefixes []string) (*filter, error) {
	f := &filter{byType: byType, prefixes: prefixes}
	if expression == "" {
		if len(prefixes) == 0 {
			return nil, errInvalid("a filter needs a regular expression or prefixes")
		}
		return f, nil
	}
	var err error
	f.pattern, err = newPattern(expression)
	return f, err
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
