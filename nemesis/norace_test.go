//go:build !race

package nemesis

// raceEnabled says that the race detector slows everything down.
const raceEnabled = false
