package main

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// counted is "1 finding" or "2 findings".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// didYouMean names the known words that are nearest to one that is not known, if any is near.
func didYouMean(word string, known []string) string {
	var near []string
	for _, k := range known {
		if a, b := strings.ToLower(word), strings.ToLower(k); levenshtein.ComputeDistance(a, b) <= 2 || len(a) > 3 && strings.HasPrefix(b, a) {
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
