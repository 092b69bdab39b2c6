//go:build !race

package esdb_test

const raceDetector = false
