package node

import (
	"context"
	"fmt"
	"time"

	"annals/events"
)

const (
	// sampled is how many events at each end of the log are decoded before anything is written: keys that are missing altogether,
	// of another log, or of an older backup show there.
	sampled = 500
	// scanShare is the share of a core that the scan of the rest takes, one in so many parts.
	scanShare = 5
	// checkEvery is how often a server looks whether the keys that it uses are still kept.
	checkEvery = 20 * time.Second
)

// LostKeysRemedy says what an operator does about keys that are lost.
const LostKeysRemedy = "stop the server, restore the keys (DATA_DIR/keys, or the schema vault of POSTGRES_URL) from the backup, start it, and run " +
	"annals rebuild --all; where there is no backup, give them up with annals erase --lost"

// LostKeys says which keys are lost; it is empty where none is.
func LostKeys(all []events.LostKey, more bool) string {
	if len(all) == 0 {
		return ""
	}
	n := fmt.Sprintf("%d keys", len(all))
	switch {
	case more:
		n = "more than " + n
	case len(all) == 1:
		n = "1 key"
	}
	return fmt.Sprintf("keys of the log are lost (%s, such as that of %s, which seals position %d): what they sealed reads %s, and nothing is written under new keys",
		n, all[0].Subject, all[0].Position, events.Lost)
}

// sampleKeys looks whether the keys are there that the two ends of the log are sealed under, and says loudly when they are not.
func (b *Backends) sampleKeys(ctx context.Context) error {
	for _, dir := range []events.Direction{events.Forwards, events.Backwards} {
		n := 0
		for _, err := range b.Store.ReadAll(ctx, 0, dir, events.Filter{}) {
			if err != nil {
				return err
			}
			if n++; n == sampled {
				break
			}
		}
	}
	return b.sayLost(ctx)
}

// sampleKeysSoon is sampleKeys for a command, which does not wait long for an event store.
func (b *Backends) sampleKeysSoon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	if err := b.sampleKeys(ctx); err != nil {
		b.options.Logger.Warn("whether keys are lost is not known", "error", err)
	}
}

// sayLost logs the keys that were found lost.
func (b *Backends) sayLost(ctx context.Context) error {
	all, more, err := b.Codec.Lost(ctx)
	if said := LostKeys(all, more); said != "" {
		b.options.Logger.Error(said, "remedy", LostKeysRemedy)
	}
	return err
}

// legible fails where keys are known to be lost.
func (b *Backends) legible(ctx context.Context) error {
	all, more, err := b.Codec.Lost(ctx)
	if said := LostKeys(all, more); err == nil && said != "" {
		err = fmt.Errorf("%w: %s", events.ErrKeysLost, said)
	}
	return err
}

// Decode decodes the whole log, so that the codec knows every key that is lost.
func (b *Backends) Decode(ctx context.Context) error {
	for _, err := range b.Store.ReadAll(ctx, 0, events.Forwards, events.Filter{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// scanKeys decodes what is between the two ends that sampleKeys has looked at, slowly, and then looks now and then whether the keys
// in use are still kept. It says what it finds lost.
func (b *Backends) scanKeys(ctx context.Context) error {
	before, _, _ := b.Codec.Lost(ctx)
	n, begun := 0, time.Now()
	for _, err := range b.Store.ReadAll(ctx, 0, events.Forwards, events.Filter{}) {
		if err != nil {
			b.options.Logger.Warn("the scan for lost keys ended early", "error", err)
			return nil
		}
		if n++; n%sampled != 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After((scanShare - 1) * time.Since(begun)):
			begun = time.Now()
		}
	}
	for known := len(before); ; {
		if all, _, err := b.Codec.Lost(ctx); err == nil && len(all) != known {
			if err := b.sayLost(ctx); err != nil {
				b.options.Logger.Warn("whether keys are lost is not known", "error", err)
			}
			known = len(all)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(checkEvery):
		}
		if err := b.Codec.CheckKeys(ctx); err != nil && ctx.Err() == nil {
			b.options.Logger.Warn("whether keys are lost is not known", "error", err)
		}
	}
}
