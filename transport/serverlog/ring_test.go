package serverlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestALineIsKeptInTheRecordedShapeAndPassedOn(t *testing.T) {
	t.Parallel()
	var passed bytes.Buffer
	r := New()
	log := slog.New(r.Beside(slog.NewTextHandler(&passed, nil))).With("agentName", "Eliza")
	begun := time.Now().UnixMilli()
	log.Debug("unheard") // the other handler does not want it
	log.Warn("something happened", "error", errors.New("broken"), slog.Group("at", "level", 7, "time", "noon"))

	entries := r.Entries()
	if len(entries) != 1 {
		t.Fatalf("%d entries are kept", len(entries))
	}
	e := entries[0]
	var shown struct {
		Level, PID int
		Time       int64
		Hostname   *string
		Msg, Error string
		AgentName  string
		At         struct {
			Level int
			Time  string
		}
	}
	if err := json.Unmarshal(e.JSON, &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Level != 40 || shown.Time < begun || shown.PID == 0 || shown.Hostname == nil || shown.Msg != "something happened" ||
		shown.Error != "broken" || shown.AgentName != "Eliza" || shown.At.Level != 7 || shown.At.Time != "noon" {
		t.Errorf("kept is %s", e.JSON)
	}
	if e.Level != 40 || e.Time != shown.Time || e.AgentName != "Eliza" {
		t.Errorf("the entry says %+v", e)
	}
	if !strings.Contains(passed.String(), "something happened") {
		t.Errorf("passed on is %q", passed.String())
	}
}

func TestTheOldestEntriesMakeRoomForTheNewest(t *testing.T) {
	t.Parallel()
	r := New()
	log := slog.New(r.Beside(slog.DiscardHandler))
	if log.Info("discarded"); len(r.Entries()) != 0 {
		t.Error("kept is what nobody wants")
	}
	log = slog.New(r.Beside(slog.NewTextHandler(new(bytes.Buffer), nil)))
	for i := range Kept + 5 {
		log.Info("line", "n", i)
	}
	entries := r.Entries()
	if len(entries) != Kept || !strings.Contains(string(entries[0].JSON), `"n":5}`) {
		t.Errorf("%d are kept, the first is %s", len(entries), entries[0].JSON)
	}
	if r.Clear(); len(r.Entries()) != 0 {
		t.Error("a cleared ring is not empty")
	}
}

func TestWatchersHearEachEntryInOrderUntilTheyStop(t *testing.T) {
	t.Parallel()
	r := New()
	log := slog.New(r.Beside(slog.NewTextHandler(new(bytes.Buffer), nil)))
	var heard []Entry
	stop := r.Watch(func(e Entry) { heard = append(heard, e) })
	var logging sync.WaitGroup
	for range 4 {
		logging.Go(func() {
			for range 50 {
				log.Info("line")
			}
		})
	}
	logging.Wait()
	stop()
	log.Info("unheard")
	kept := r.Entries()
	if len(heard) != 200 || len(kept) != 201 {
		t.Fatalf("heard are %d, kept %d", len(heard), len(kept))
	}
	for i := range heard {
		if string(heard[i].JSON) != string(kept[i].JSON) {
			t.Fatalf("entry %d was heard as %s, kept as %s", i, heard[i].JSON, kept[i].JSON)
		}
	}
}
