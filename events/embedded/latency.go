package embedded

import (
	"slices"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
)

// meter counts what passes, for those who ask how much that is.
type meter struct {
	since       time.Time
	total, told int64
}

// perSecond is the average since the beginning.
func (m *meter) perSecond(now time.Time) int32 {
	return int32(float64(m.total) / max(now.Sub(m.since).Seconds(), 1))
}

// sinceAsked is how much has passed since it was asked for last.
func (m *meter) sinceAsked() int64 {
	n := m.total - m.told
	m.told = m.total
	return n
}

// latenciesKept is how many answers of a consumer the statistics look back upon.
const latenciesKept = 1000

// latencies are how long a consumer took to answer, of its newest answers.
type latencies struct {
	kept []time.Duration
	next int
}

func (l *latencies) add(d time.Duration) {
	if len(l.kept) < latenciesKept {
		l.kept = append(l.kept, d)
		return
	}
	l.kept[l.next] = d
	l.next = (l.next + 1) % latenciesKept
}

// shares are the names that clients know of percentages of a consumer's answers.
var shares = []struct {
	name    string
	percent float64
}{
	{"Fastest", 0},
	{"Quintile 1", 20},
	{"Quintile 2", 40},
	{"Median", 50},
	{"Quintile 3", 60},
	{"Quintile 4", 80},
	{"90%", 90},
	{"95%", 95},
	{"99%", 99},
	{"99.5%", 99.5},
	{"99.9%", 99.9},
	{"Quintile 5", 100},
	{"Highest", 100},
}

// measurements tell within how many milliseconds, begun ones counted, each share of the answers came.
func (l *latencies) measurements() []*persistent.SubscriptionInfo_Measurement {
	sorted := slices.Sorted(slices.Values(l.kept))
	at := func(percent float64) time.Duration {
		if len(sorted) == 0 {
			return 0
		}
		return sorted[int(percent/100*float64(len(sorted)-1))]
	}
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	told := []*persistent.SubscriptionInfo_Measurement{{Key: "Mean", Value: milliseconds(sum / time.Duration(max(len(sorted), 1)))}}
	for _, s := range shares {
		told = append(told, &persistent.SubscriptionInfo_Measurement{Key: s.name, Value: milliseconds(at(s.percent))})
	}
	return told
}

func milliseconds(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
