package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"annals/transport/problem"
)

// maxCharacter bounds a character's file, in bytes; characterTime how long fetching one may take.
const (
	maxCharacter  = 2 << 20
	characterTime = 10 * time.Second
)

// loadCharacter reads what characterPath names: a file under the folder of characters, or a URL where those are allowed.
func (a *API) loadCharacter(ctx context.Context, name string) (json.RawMessage, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		if !a.o.CharacterURLs {
			return nil, problem.Invalid("Failed to load character from URL '%s': URLs are not fetched unless CHARACTER_URLS is on", name)
		}
		return fetchCharacter(ctx, name, outside)
	}
	data, err := readCharacter(a.o.CharactersDir, name)
	if err != nil {
		return nil, err
	}
	if data, err = clean(data); err != nil || !json.Valid(data) {
		return nil, problem.Invalid("Character file '%s' has malformed JSON. Please check the file content.", name)
	}
	return data, nil
}

// readCharacter reads a file of the folder, and nothing outside of it, whatever the name or a link in it says.
func readCharacter(dir, name string) ([]byte, error) {
	notFound := problem.Invalid("Character '%s' not found. Please check if the file exists and the path is correct.", name)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, notFound
	}
	defer func() { _ = root.Close() }()
	inner := strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "characters/")
	for _, file := range []string{inner, inner + ".json"} {
		// Only a plain file is opened: a pipe would keep us waiting.
		if s, err := root.Stat(file); err != nil || !s.Mode().IsRegular() {
			continue
		}
		f, err := root.OpenFile(file, os.O_RDONLY, fs.FileMode(0))
		if err != nil {
			return nil, notFound
		}
		defer func() { _ = f.Close() }()
		return readAll(f, name)
	}
	return nil, notFound
}

func readAll(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxCharacter+1))
	if err != nil {
		return nil, problem.Invalid("Character '%s' could not be read.", name)
	}
	if len(data) > maxCharacter {
		return nil, problem.Invalid("Character '%s' is larger than %d bytes.", name, maxCharacter)
	}
	return data, nil
}

// fetchCharacter gets a character, or the first of a list, from a URL. may decides about every address that is dialled, those
// of redirects included.
func fetchCharacter(ctx context.Context, url string, may func(netip.Addr) error) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, characterTime)
	defer cancel()
	failed := func(reason any) error {
		return problem.Invalid("Failed to load character from URL '%s': %v", url, reason)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, failed("it is no URL")
	}
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return may(ap.Addr().Unmap().WithZone(""))
	}}
	client := http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, ResponseHeaderTimeout: characterTime},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
	response, err := client.Do(request)
	if err != nil {
		if errors.Is(err, errInside) {
			return nil, failed(errInside)
		}
		return nil, failed("it cannot be reached")
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, failed(fmt.Sprintf("HTTP error %d: %s", response.StatusCode, http.StatusText(response.StatusCode)))
	}
	data, err := readAll(response.Body, url)
	if err != nil {
		return nil, err
	}
	if data, err = clean(data); err != nil || !json.Valid(data) {
		return nil, problem.Invalid("Invalid JSON response from URL '%s'. The resource may not contain valid character data.", url)
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) > 0 {
		return list[0], nil
	}
	return data, nil
}

var errInside = errors.New("addresses of this machine or of private networks are not fetched")

// notPublic are addresses that are nobody's public server: "this network", shared address space (RFC 6598), protocol assignments,
// benchmarking (RFC 2544), reserved ones, site-local ones, and those that lead to an IPv4 address within (NAT64, Teredo, 6to4).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"),
}

// outside refuses addresses from which a request of ours could learn or do what a stranger may not.
func outside(ip netip.Addr) error {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return errInside
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return errInside
		}
	}
	return nil
}
