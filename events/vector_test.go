package events

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func vectorOf(n int, x float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = x
	}
	return v
}

func TestAVectorIsReadAsItWasPacked(t *testing.T) {
	t.Parallel()
	for _, n := range VectorLengths {
		v := vectorOf(n, 0.25)
		v[0], v[n-1] = math.SmallestNonzeroFloat32, -1e18
		f := MemoryEmbedded{Dimensions: n, Vector: PackVector(v)}
		if got := f.Numbers(); !slices.Equal(got, v) {
			t.Errorf("%d numbers come back as %d others", n, len(got))
		}
	}
}

func TestAVectorThatCannotBeSearchedIsNone(t *testing.T) {
	t.Parallel()
	not := func(x float64) []float32 { v := vectorOf(384, 1); v[100] = float32(x); return v }
	for name, v := range map[string][]float32{
		"empty": {}, "of another length": vectorOf(385, 1), "of zeros": vectorOf(384, 0),
		"with NaN": not(math.NaN()), "with infinity": not(math.Inf(1)), "with too large a number": not(1e300), "too long": not(1e20), "too short": vectorOf(384, 1e-20),
	} {
		if err := CheckVector(v); !errors.Is(err, ErrInvalid) {
			t.Errorf("a vector %s: %v", name, err)
		}
		if got := (MemoryEmbedded{Dimensions: len(v), Vector: PackVector(v)}).Numbers(); got != nil {
			t.Errorf("a vector %s is read", name)
		}
	}
	for _, f := range []MemoryEmbedded{{Dimensions: 384}, {Dimensions: -1, Vector: []byte{1}}, {Dimensions: math.MaxInt, Vector: []byte{1}}} {
		if f.Numbers() != nil {
			t.Errorf("%+v is read", f)
		}
	}
}
