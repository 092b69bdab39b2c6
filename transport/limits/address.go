package limits

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// AddressOf is the client that an address belongs to: itself, or in IPv6 the /64 that one subscriber has. It is the zero
// Prefix for what is no address with a port, such as a peer on a unix socket.
func AddressOf(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	return clientAt(ap.Addr())
}

func clientAt(ip netip.Addr) netip.Prefix {
	ip, bits := ip.Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Proxies are the addresses that may state, in X-Forwarded-For, the client of a request.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks, separated by commas.
func ParseProxies(list string) (all Proxies, err error) {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		p, err := netip.ParsePrefix(one)
		if ip, single := netip.ParseAddr(one); single == nil {
			p, err = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", one)
		}
		all = append(all, p)
	}
	return all, nil
}

// ClientOf is the client that a request counts for: the peer, or where that is one of the proxies the last address in
// X-Forwarded-For that is none of them.
func (p Proxies) ClientOf(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	client := peer.Addr()
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, said := range slices.Backward(forwarded) {
		if !p.trusts(client) {
			break
		}
		before, err := parseForwarded(strings.TrimSpace(said))
		if err != nil {
			break
		}
		client = before
	}
	return clientAt(client)
}

func (p Proxies) trusts(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(trusted netip.Prefix) bool { return trusted.Contains(ip) })
}

// parseForwarded reads an address of X-Forwarded-For, to which some proxies add the port.
func parseForwarded(said string) (netip.Addr, error) {
	if ap, err := netip.ParseAddrPort(said); err == nil {
		return ap.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(said, "[]"))
}

// IsLocal reports whether a request comes from this machine: from a loopback address or a socket that has none, and not
// forwarded for somebody else.
func IsLocal(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err != nil || peer.Addr().Unmap().IsLoopback()
}
