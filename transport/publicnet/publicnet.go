// Package publicnet keeps requests to addresses that strangers name out of this machine and of private networks.
package publicnet

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// ErrInside refuses an address.
var ErrInside = errors.New("addresses of this machine or of private networks are not fetched")

// notPublic are addresses that are nobody's public server: "this network", shared address space (RFC 6598), protocol assignments,
// benchmarking (RFC 2544), reserved ones, site-local ones, and those that lead to an IPv4 address within (NAT64, Teredo, 6to4).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"),
}

// Check refuses addresses from which a request of ours could learn or do what a stranger may not.
func Check(ip netip.Addr) error {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return ErrInside
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return ErrInside
		}
	}
	return nil
}

// Dialer connects to the addresses that may permits. It is asked about the address that a name resolved to, before anything is sent.
func Dialer(may func(netip.Addr) error) *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return may(ap.Addr().Unmap().WithZone(""))
	}}
}
