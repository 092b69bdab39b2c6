package hashing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestAlikeTextsAreNear(t *testing.T) {
	t.Parallel()
	fact := Vector("My cat is called Whiskers and she sleeps on the piano.")
	for _, other := range []string{
		"The train to Hamburg leaves at nine.", "Please write a poem about the sea.", "2 + 2 = 4", "你好，世界",
	} {
		for _, question := range []string{
			"What is my cat called?", "where does Whiskers the cat sleep", "Do you remember my cats?", "WISKERS the cat", "a cat on a piano",
		} {
			q := Vector(question)
			if near, far := cosine(q, fact), cosine(q, Vector(other)); near <= far+0.03 {
				t.Errorf("%q is %.3f from the fact and %.3f from %q", question, near, far, other)
			}
		}
	}
}

func TestScriptsWithoutSpacesAndSignsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"猫在钢琴上睡觉", "钢琴上的猫", "火车九点开往汉堡"},
		{"แมวของฉันชื่อทองดี", "แมวชื่ออะไร", "รถไฟออกเก้าโมง"},
		{"I love it 😀🎉", "🎉", "I love it"},
		{"Die Straße ist gesperrt", "STRASSE GESPERRT", "Der Zug kommt"},
	} {
		if near, far := cosine(Vector(c[0]), Vector(c[1])), cosine(Vector(c[1]), Vector(c[2])); near <= far {
			t.Errorf("%q is %.3f from %q, and %.3f from %q", c[1], near, c[0], far, c[2])
		}
	}
}

func TestEveryTextHasAVectorOfLengthOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		v := Vector(text)
		if n := cosine(v, v); len(v) != Dimensions || math.Abs(n-1) > 1e-5 {
			t.Fatalf("%d numbers of length %v", len(v), n)
		}
		if again := Vector(text); cosine(v, again) != cosine(v, v) {
			t.Fatal("another vector the second time")
		}
	})
}

func TestTheBeginningOfALongTextCounts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü wörd ", maxText/9+1)
	if near := cosine(Vector(long), Vector(long+strings.Repeat("something else ", 100_000))); near < 0.999 {
		t.Errorf("what comes after %d bytes made it %v", maxText, near)
	}
}

// What is in people's logs was hashed like this: another way needs another name.
func TestTheVectorsNeverChange(t *testing.T) {
	t.Parallel()
	var bytes []byte
	for _, text := range []string{"", "Hello, world!", "My cat is called Whiskers.", "你好 😀 straße", strings.Repeat("again and again ", 50)} {
		for _, x := range Vector(text) {
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(x))
		}
	}
	const recorded = "0f5627a9c616e5fa630a261801696b13f91a4104122b3bb50de568bd4e12634f"
	if sum := sha256.Sum256(bytes); hex.EncodeToString(sum[:]) != recorded {
		t.Errorf("the vectors are others: %x", sum)
	}
}

func TestABatchKeepsItsOrderAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	got, err := Embedder{}.Embed(t.Context(), []string{"one", "two", "three"})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d vectors, %v", len(got), err)
	}
	for i, text := range []string{"one", "two", "three"} {
		if cosine(got[i], Vector(text)) < 0.999 {
			t.Errorf("the vector at %d is not that of %q", i, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Embedder{}).Embed(ctx, []string{"late"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkVector(b *testing.B) {
	text := "My cat is called Whiskers and she sleeps on the piano, mostly in the afternoon when nobody plays."
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Vector(text)
	}
}
