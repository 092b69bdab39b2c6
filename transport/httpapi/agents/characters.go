package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path"
	"strings"
	"time"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/publicnet"
)

// maxCharacter bounds a character's file, in bytes; characterTime how long fetching one may take.
const (
	maxCharacter  = 2 << 20
	characterTime = 10 * time.Second
)

// loadCharacter reads what characterPath names: a file under the folder of characters, or a URL where those are allowed.
func (a *api) loadCharacter(ctx context.Context, name string) (json.RawMessage, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		if !a.CharacterURLs {
			return nil, problem.Invalid("Failed to load character from URL '%s': URLs are not fetched unless CHARACTER_URLS is on", name)
		}
		return fetchCharacter(ctx, name, publicnet.Check)
	}
	data, err := readCharacter(a.CharactersDir, name)
	if err != nil {
		return nil, err
	}
	if data, err = frame.Clean(data); err != nil || !json.Valid(data) {
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
	client := http.Client{
		Transport: &http.Transport{DialContext: publicnet.Dialer(may).DialContext, DisableKeepAlives: true, ResponseHeaderTimeout: characterTime},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
	response, err := client.Do(request)
	if err != nil {
		if errors.Is(err, publicnet.ErrInside) {
			return nil, failed(publicnet.ErrInside)
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
	if data, err = frame.Clean(data); err != nil || !json.Valid(data) {
		return nil, problem.Invalid("Invalid JSON response from URL '%s'. The resource may not contain valid character data.", url)
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) > 0 {
		return list[0], nil
	}
	return data, nil
}
