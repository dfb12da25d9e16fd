//go:build !race

package nemesis

// raceEnabled, slow and fewer: see the file for the race detector.
const (
	raceEnabled = false
	slow        = 1
	fewer       = 1
)
