package glove

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"annals/events"
)

// The table is the one that make.go makes: another one needs another name of the model.
func TestTheTableIsTheOneThatTheModelIsNamedFor(t *testing.T) {
	t.Parallel()
	const want = "2f6d663d8539f7f275d921ccc15e7f95ed89753e6994c54e49368b131c80790c"
	if got := sha256.Sum256(packed); hex.EncodeToString(got[:]) != want {
		t.Errorf("glove.gz is %x", got)
	}
	table := load()
	if len(table.ranks) != 30_000 || len(table.numbers) != 30_000*meaningDimensions {
		t.Errorf("%d words, %d numbers", len(table.ranks), len(table.numbers))
	}
}

// Vectors under the model's name are in people's logs, and have to be the same for ever.
func TestVectorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"The cat sat on the mat, didn't it?": "0f5381a5afc7db09",
		"В Москве идёт снег":                 "4f0ec2ecf9f2d24c",
		"我最喜欢的咖啡店":                           "80e82c7929cc1d2f",
		"":                                   "7d9ba4c9704e0ada",
	} {
		h := sha256.New()
		for _, x := range Vector(text) {
			fmt.Fprintf(h, "%08x", math.Float32bits(x))
		}
		if got := hex.EncodeToString(h.Sum(nil))[:16]; got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestVectorsCanBeSearched(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "the", "x", "🙂", "ก", "\x00\xff", strings.Repeat("word ", 200_000), strings.Repeat("a", 1<<20)} {
		v := Vector(text)
		if err := events.CheckVector(v); err != nil || len(v) != Dimensions {
			t.Errorf("%.20q: %d numbers, %v", text, len(v), err)
		}
	}
}

func TestWhatMeansTheSameIsNear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, near, far string }{
		{"my dog is ill", "her puppy feels sick", "the parliament voted on taxes"},
		{"where does he work", "his job is at the hospital", "a recipe for apple pie"},
		{"a holiday by the sea", "vacation on the beach", "the database is full"},
		{"москва", "В Москве сегодня идёт снег", "Я люблю кофе"},
		{"muenchen", "Sie wohnt in München", "Das Wetter ist schön"},
		{"커피", "나는 아침마다 커피를 마신다", "오늘은 날씨가 좋다"},
		{"北京咖啡", "我最喜欢的咖啡店是位于北京的那家", "今天下雨了"},
		{"Kubernets", "We run it on Kubernetes.", "We run it by hand."},
	} {
		if near, far := cosine(c.text, c.near), cosine(c.text, c.far); near < far+0.05 {
			t.Errorf("%q is %.2f near %q, and %.2f near %q", c.text, near, c.near, far, c.far)
		}
	}
}

func TestWordsOfAText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Isn't it O’Brien's? We can't, won't, they've": "is it o brien we can wo they",
		"Café NAÏVE Ｆｕｌｌ":                              "cafe naive full",
		"北京 and ไทย":                                   "北 京 and ไ ท ย",
		"a1b2, 3.14 don't-stop 'quoted' ''":            "a1b2 3 14 do stop quoted",
		"C++ 🙂":                                        "c + + 🙂",
	} {
		var got []string
		for w := range words(text) {
			got = append(got, w.text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func cosine(a, b string) (sum float64) {
	x, y := Vector(a), Vector(b)
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

func BenchmarkVector(b *testing.B) {
	load()
	for b.Loop() {
		Vector("A message of ordinary length, as people send them to each other all day long.")
	}
}
