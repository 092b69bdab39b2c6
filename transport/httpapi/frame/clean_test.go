package frame

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
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
