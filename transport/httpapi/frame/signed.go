package frame

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// URLs of files that are given out where a key is needed are good without one for a day, and half of one at least: two
// answers of the same half are the same.
const signatureLife = 24 * time.Hour

// signature is the name of the parameter.
const signature = "signature"

// mediaURL is a text that is the URL of a file, with or without a signature.
var mediaURL = regexp.MustCompile(`"(/media/(?:uploads|generated)/[^"\\?#\s]+)(?:\?[^"\\\s]*)?"`)

// signed signs the URLs of files in an answer where a key is needed: pictures and audio are fetched without headers.
func (a *API) signed(answer []byte) []byte {
	if !a.keys.required() || !bytes.Contains(answer, []byte(`"/media/`)) {
		return answer
	}
	return mediaURL.ReplaceAllFunc(answer, func(text []byte) []byte {
		path := mediaURL.FindSubmatch(text)[1]
		return []byte(`"` + a.keys.signURL(string(path)) + `"`)
	})
}

// signURL ends in what the path ends in: the web client shows only what looks like a picture.
func (k keys) signURL(file string) string {
	expires := k.clock().Truncate(signatureLife / 2).Add(signatureLife)
	stamp := strconv.FormatInt(expires.Unix(), 10)
	return file + "?" + signature + "=" + stamp + "." + k.signFile(file, stamp) + path.Ext(file)
}

func (k keys) signFile(file, stamp string) string {
	mac := hmac.New(sha256.New, k.sum[:])
	mac.Write([]byte("file " + stamp + " " + file))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// admitted tells whether the request is for a file and carries a signature of ours that has not expired.
func (k keys) admitted(r *http.Request) bool {
	stamp, rest, _ := strings.Cut(r.URL.Query().Get(signature), ".")
	mac, _, _ := strings.Cut(rest, ".")
	expires, err := strconv.ParseInt(stamp, 10, 64)
	return err == nil && r.Method == http.MethodGet && k.clock().Unix() < expires && hmac.Equal([]byte(mac), []byte(k.signFile(r.URL.Path, stamp)))
}
