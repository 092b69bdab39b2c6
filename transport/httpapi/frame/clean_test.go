package frame

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCleaningFindsRepeatedKeysHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"k%d":%d,`, i, i)
	}
	for in, want := range map[string]string{
		`{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}`: `{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}`,
		`{"a":"a","b":"\"a\":"}`:                    `{"a":"a","b":"\"a\":"}`,
		`{"a" : 1 , "a" : 12345678901234567890}`:    `{"a":12345678901234567890}`,
		`{` + many.String() + `"last":1}`:           `{` + many.String() + `"last":1}`,
	} {
		if got, err := Clean([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s became %s, %v", in, got, err)
		}
	}
	got, err := Clean([]byte(`{"k7":"x",` + many.String() + `"k7":"y"}`))
	if err != nil || bytes.Count(got, []byte(`"k7"`)) != 1 || !bytes.Contains(got, []byte(`"k7":"y"`)) {
		t.Errorf("of many keys the last did not win: %s", got)
	}
}

func TestNoByteOrderMarkIsLeftInJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\ufeff{\"a\":\"\ufefftea\ufeff\"}":               `{"a":"tea"}`,
		`{"\ufeffa":"\uFEFFgreen \ufeff\ufefftea\ufeff"}`: `{"a":"green tea"}`,
		`{"a":"\\ufeff","b":"\"\ufeff\n\u0041\ufeff"}`:    `{"a":"\\ufeff","b":"\"\n\u0041"}`,
		`{"a":"\ud83d\ufeff\ude00"}`:                      `{"a":"\ufffd\ufffd"}`,
		`{"a":1,"\ufeffa":2}`:                             `{"a":2}`,
	} {
		if got, err := Clean([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s became %s, %v", in, got, err)
		}
	}
	began := time.Now()
	if got, err := Clean([]byte(`"` + strings.Repeat(`\ufeffa`, 300_000) + `"`)); err != nil || len(got) != 300_002 || time.Since(began) > 10*time.Second {
		t.Errorf("%d bytes are left after %s, %v", len(got), time.Since(began), err)
	}
}

func FuzzCleaningNeverPanicsAndNeverBreaksWhatIsValid(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `"\ud800"`, `["\u0000"]`, `{"a":"\`, `{{{`, `}`, `"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after any
		if json.Unmarshal(data, &before) != nil {
			_, _ = Clean(data)
			return
		}
		cleaned, err := Clean(data)
		if err != nil {
			return
		}
		if err := json.Unmarshal(cleaned, &after); err != nil {
			t.Errorf("%q became %q: %v", data, cleaned, err)
		}
	})
}
