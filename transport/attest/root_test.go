package attest

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// counting is the root of the vectors: 000102…1f.
func counting(t *testing.T) Root {
	t.Helper()
	secret := make([]byte, RootSize)
	for i := range secret {
		secret[i] = byte(i)
	}
	r, err := NewRoot(Software, secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Keys never change: what was sealed or signed with them has to be opened and checked for ever.
func TestGoldenVectorsOfKeys(t *testing.T) {
	t.Parallel()
	r := counting(t)
	for of, want := range map[[3]string]string{
		{"raw", "wallet", "solana"}:      "8f7ab984bf57fe0c1eb451c667cd90d0af19dbadacc62350a7f2567d5f298a11",
		{"ed25519", "wallet", "solana"}:  "f3fe6a3d865c2cedcd5bb0a4caf98875f33577b89a02795b22f3989e0ad1bb20",
		{"ed25519", "wal", "letsolana"}:  "a240551e",
		{"ed25519", "wallet/solana", ""}: "",
	} {
		got := hex.EncodeToString(r.derive(of[0], of[1], of[2], 32))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s", of, got)
		}
	}
	wallet := ed25519.NewKeyFromSeed(r.derive("ed25519", "wallet", "solana", 32))
	if public := hex.EncodeToString(wallet.Public().(ed25519.PublicKey)); public != "6a133323be3676a81b3e77009d806b6564b3c731c916c6b856ef60150cc4b0b2" {
		t.Errorf("the public key of wallet, solana is %s", public)
	}
}

func TestTheIdentityOfARootNeverChanges(t *testing.T) {
	t.Parallel()
	if r := counting(t); r.PublicKey() != "20ca74ea0b9b527fe34873372654404f792995b088d481a6b8f0a70101bd186b" || r.ID() != "bf46222f928c68fb" {
		t.Errorf("%s, %s", r.PublicKey(), r.ID())
	}
}

func TestARootShowsItsIDAlone(t *testing.T) {
	t.Parallel()
	r := counting(t)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("root", "root", r)
	for _, shown := range []string{fmt.Sprint(r), fmt.Sprintf("%v %+v %#v %x %d %s", r, r, r, r, r, &r), logged.String()} {
		if strings.Contains(shown, "0001020304") || strings.Contains(shown, "0 1 2 3") || !strings.Contains(shown, r.ID()) {
			t.Errorf("it shows %s", shown)
		}
	}
	if _, err := NewRoot(Software, make([]byte, 31)); err == nil {
		t.Error("a root of 31 bytes is taken")
	}
}
