package chain

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"annals/events"
)

// Keeper writes heads for a running server, and hands out signed ones.
type Keeper struct {
	HeadWriter
	Logger *slog.Logger
	// Identity returns the key that signs heads; nil: none does. It is asked until it gives one.
	Identity func(context.Context) (ed25519.PrivateKey, error)
	// Send gives a signed head to where the operator of the server cannot change it; nil: nowhere. One that fails is asked again.
	Send func(context.Context, SignedHead) error

	asked  chan chan struct{}
	newest atomic.Pointer[SignedHead]
	sent   events.Position
}

// NewKeeper makes a keeper, which does nothing before Keep.
func NewKeeper(w HeadWriter, logger *slog.Logger) *Keeper {
	return &Keeper{HeadWriter: w, Logger: logger, asked: make(chan chan struct{})}
}

// Keep writes heads until ctx ends, and once more then.
func (k *Keeper) Keep(ctx context.Context) error {
	if err := k.Resume(); err != nil {
		return fmt.Errorf("heads of the chain: %w", err)
	}
	if k.recognize(ctx) == nil { // otherwise the first round says so
		if err := k.growTree(ctx); err != nil && ctx.Err() == nil { // may take longer than a round
			k.warn(err)
		}
	}
	for ended := false; !ended; {
		var answered chan struct{}
		select {
		case <-ctx.Done():
			ended = true
		case answered = <-k.asked:
		case <-time.After(headEvery):
		}
		k.round(context.WithoutCancel(ctx))
		if answered != nil {
			close(answered)
		}
	}
	return nil
}

// round extends the file, and sends the newest head.
func (k *Keeper) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, headLimit)
	defer cancel()
	if k.Key == nil && k.Identity != nil {
		var err error
		if k.Key, err = k.Identity(ctx); err != nil {
			k.Logger.Warn("heads of the chain are not signed: the identity key is missing", "error", err)
		}
	}
	if err := k.extendDecided(ctx); err != nil {
		k.warn(err)
		return
	}
	h := k.Signed()
	k.newest.Store(h)
	if h == nil || k.Send == nil || h.Position.Position == k.sent {
		return
	}
	if err := k.Send(ctx, *h); err != nil {
		k.Logger.Warn("the newest head of the chain was not sent to HEADS_TO", "error", err)
		return
	}
	k.sent = h.Position.Position
}

func (k *Keeper) warn(err error) {
	if errors.Is(err, errShort) || errors.Is(err, errOther) || errors.Is(err, errTree) {
		k.Logger.Error("tampered with", "error", err)
		return
	}
	k.Logger.Warn("the chain over the log is not written down", "error", err)
}

// extendDecided extends the file, or begins it anew where an operator has decided to go on with another log than it covers.
func (k *Keeper) extendDecided(ctx context.Context) error {
	err := k.Extend(ctx)
	if !errors.Is(err, errShort) && !errors.Is(err, errOther) {
		return err
	}
	aside, asideErr := k.setAside(ctx)
	if aside == "" || asideErr != nil {
		return errors.Join(err, asideErr)
	}
	k.Logger.Warn("the chain of the log before the operator's decision was set aside", "file", aside)
	return k.Extend(ctx)
}

// ErrUnsigned: there is no signed head.
var ErrUnsigned = errors.New("no head of the chain is signed yet")

// Newest returns the newest signed head.
func (k *Keeper) Newest() (SignedHead, error) {
	if h := k.newest.Load(); h != nil {
		return *h, nil
	}
	return SignedHead{}, ErrUnsigned
}

// SignNow extends the chain to the end of the log, and returns its head. Where that takes longer than ctx lasts, it returns the newest.
func (k *Keeper) SignNow(ctx context.Context) (SignedHead, error) {
	answered := make(chan struct{})
	select {
	case k.asked <- answered:
		select {
		case <-answered:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return k.Newest()
}

// Prove makes a proof about the newest signed head; see Prove.
func (k *Keeper) Prove(event, earlier events.Position) (Proof, error) {
	head, err := k.Newest()
	if err != nil {
		return Proof{}, err
	}
	return Prove(k.Path, head, event, earlier)
}
