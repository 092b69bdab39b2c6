package events

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// VectorLengths are the dimensions that a memory's vector may have: those of the embedding models that there are. For each
// of them there is an index.
var VectorLengths = []int{256, 384, 512, 768, 1024, 1536, 2048, 2560, 3072}

// CheckVector tells whether the numbers can be searched by their direction; its error wraps ErrInvalid.
func CheckVector(v []float32) error {
	if !slices.Contains(VectorLengths, len(v)) {
		return fmt.Errorf("the vector is %w: it has %d numbers, not one of %v", ErrInvalid, len(v), VectorLengths)
	}
	length := 0.0
	for i, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("the vector is %w: number %d is not finite", ErrInvalid, i)
		}
		length += float64(x) * float64(x)
	}
	if length < 1e-30 || length > math.MaxFloat32 { // which PostgreSQL counts with
		return fmt.Errorf("the vector is %w: its numbers are too small or too large to have a direction", ErrInvalid)
	}
	return nil
}

// PackVector is how events hold a vector: float32, little-endian.
func PackVector(v []float32) []byte {
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

// Numbers are those of the vector, and nil where it was erased or could not be searched.
func (f MemoryEmbedded) Numbers() []float32 {
	if len(f.Vector) != 4*f.Dimensions || f.Dimensions <= 0 {
		return nil
	}
	v := make([]float32, f.Dimensions)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(f.Vector[4*i:]))
	}
	if CheckVector(v) != nil {
		return nil
	}
	return v
}
