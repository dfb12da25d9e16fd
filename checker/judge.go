package checker

import "github.com/ackproof/ackproof/histories"

// Checkers is the catalogue.
var Checkers = []Checker{}

// Judge runs every checker over a history that is given entry by entry.
type Judge struct {
	env  *Env
	live *liveCounts
}

// NewJudge returns a judge of the history with this header.
func NewJudge(h histories.Header, hasHeader bool, o Options) *Judge {
	return &Judge{env: newEnv(h, hasHeader, o), live: newLiveCounts()}
}

// Found returns what was found so far, safe to call at any time.
func (j *Judge) Found() []Finding { return j.live.found() }
