//go:build race

package nemesis

// raceEnabled says that the race detector slows everything down, many times
// where two cores serve twenty clients; slow is how much longer a heal may take.
const (
	raceEnabled = true
	slow        = 10
)
