//go:build race

package nemesis

// raceEnabled says that the race detector slows everything down, many times
// where two cores serve twenty clients; slow is how much longer a heal may
// take, fewer how many times fewer heals there are: make test heals as often as
// it should without the detector.
const (
	raceEnabled = true
	slow        = 10
	fewer       = 5
)
