package eliza

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
)

func TestWhatJavaScriptTakesForTrueIsTrue(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"": false, "null": false, " false ": false, `""`: false, "0": false, "-0": false, "0.0": false, "0e7": false,
		"true": true, "1": true, "-0.5": true, "1e999": true, `"0"`: true, `"false"`: true, `" "`: true, "{}": true, "[]": true,
	} {
		if Truthy(json.RawMessage(raw)) != want {
			t.Errorf("%q is not %v", raw, want)
		}
	}
}

func TestTheMetadataOfAMessageSaysWhetherItsChannelIsADM(t *testing.T) {
	t.Parallel()
	one, other := uuid.New(), uuid.New()
	for metadata, want := range map[string]struct {
		dm     bool
		target uuid.UUID
	}{
		`{}`:                                     {},
		`{"isDm":true}`:                          {dm: true},
		`{"isDm":"yes"}`:                         {dm: true},
		`{"isDm":0}`:                             {},
		`{"channelType":"DM"}`:                   {dm: true},
		`{"channel_type":"DM"}`:                  {dm: true},
		`{"channelType":["DM"]}`:                 {},
		`{"targetUserId":"no one"}`:              {},
		`{"recipientId":"` + one.String() + `"}`: {target: one},
		`{"recipientId":"` + one.String() + `","targetUserId":"` + other.String() + `"}`:    {target: other},
		`{"recipientId":"` + one.String() + `","targetUserId":"nobody that anybody knows"}`: {target: one},
	} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(metadata), &fields); err != nil {
			t.Fatal(err)
		}
		d := ChannelDefaults("test", fields)
		if d.By != "test" || d.DM != want.dm || d.Target != want.target || len(d.Metadata) != len(fields) {
			t.Errorf("%s leads to %+v", metadata, d)
		}
	}
}
