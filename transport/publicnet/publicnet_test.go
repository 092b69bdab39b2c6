package publicnet

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"8.8.8.8": true, "127.0.0.1": false, "10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.64.0.1": false, "224.0.0.1": false, "::1": false, "fe80::1": false, "fc00::1": false, "2001:4860:4860::8888": true, "64:ff9b::7f00:1": false,
		"0.1.2.3": false, "192.0.0.1": false, "240.0.0.1": false, "64:ff9b:1::a00:1": false, "2001:0:4136::1": false, "2002:7f00:1::1": false, "fec0::1": false,
	} {
		if (Check(netip.MustParseAddr(address)) == nil) != public {
			t.Errorf("%s: public is %v", address, !public)
		}
	}
}

func TestADialerAsksAboutTheAddressThatANameResolvesTo(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		if _, err := Dialer(Check).DialContext(t.Context(), "tcp", host+":"+port); !errors.Is(err, ErrInside) {
			t.Errorf("%s: %v", host, err)
		}
	}
	conn, err := Dialer(func(netip.Addr) error { return nil }).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
