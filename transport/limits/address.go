package limits

import (
	"net/netip"
)

// AddressOf is the client that an address belongs to: itself, or in IPv6 the /64 that one subscriber has. It is the zero
// Prefix for what is no address with a port, such as a peer on a unix socket.
func AddressOf(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
