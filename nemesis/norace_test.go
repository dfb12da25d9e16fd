//go:build !race

package nemesis

// raceEnabled and slow: see the file for the race detector.
const (
	raceEnabled = false
	slow        = 1
)
