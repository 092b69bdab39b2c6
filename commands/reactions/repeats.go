package reactions

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"annals/commands"
)

// RepeatSimilarity is the cosine from which on a memory repeats another one.
const RepeatSimilarity = 0.95

// Repeats finds what memories say again, as the read models have it.
type Repeats interface {
	// Repeated returns an earlier memory of the same agent, room and table that has the same text, or a vector of the same model within
	// RepeatSimilarity; uuid.Nil where there is none.
	Repeated(ctx context.Context, memory uuid.UUID, v commands.Vector, model string, vector []float32) (uuid.UUID, error)
}

// repeated finds the earlier memory that a memory with a vector repeats. The read models may not have yet what was embedded at the same
// moment, so the vectors that were made last on this node are compared as well.
func (r *Embed) repeated(ctx context.Context, memory uuid.UUID, v commands.Vector, vector []float32) (uuid.UUID, error) {
	if r.repeats == nil {
		return uuid.Nil, nil
	}
	for _, of := range r.recent.add(recentVector{memory, v, vector}) {
		if there, err := r.env.States.Remembered(ctx, of); err != nil || there {
			return of, err
		}
	}
	of, err := r.repeats.Repeated(ctx, memory, v, r.model.Model(), vector)
	if err != nil {
		return uuid.Nil, fmt.Errorf("%w: %w", errBehind, err)
	}
	return of, nil
}

// recentVectors are the vectors that were made last.
type recentVectors struct {
	mu   sync.Mutex
	made [recentAtMost]recentVector
	next int
}

// recentAtMost is more than the memories that are embedded at the same time.
const recentAtMost = 256

type recentVector struct {
	memory uuid.UUID
	of     commands.Vector
	vector []float32
}

// add keeps a vector in place of the oldest, and returns the earlier memories that it repeats.
func (r *recentVectors) add(v recentVector) (repeats []uuid.UUID) {
	v.of.Text = "" // which may be long
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.made {
		if v.repeats(other) {
			repeats = append(repeats, other.memory)
		}
	}
	r.made[r.next] = v
	r.next = (r.next + 1) % recentAtMost
	return repeats
}

// repeats reports whether the other is of an earlier memory that says nearly the same. The vectors have length 1.
func (v recentVector) repeats(other recentVector) bool {
	if other.memory == v.memory || other.of.RoomID != v.of.RoomID || other.of.AgentID != v.of.AgentID || other.of.Table != v.of.Table ||
		other.of.Since >= v.of.Since || len(other.vector) != len(v.vector) {
		return false
	}
	var cosine float64
	for i, x := range v.vector {
		cosine += float64(x) * float64(other.vector[i])
	}
	return cosine >= RepeatSimilarity
}
