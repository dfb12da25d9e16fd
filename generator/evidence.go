package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// NewEvidence asks what only the brokers can tell, once a violation was found:
// worker i of len(cfg.Logs) asks where the latest leader epochs of log i end,
// then for its start and its end, and reads it from the one to the other, as
// the final reads do later: a second fresh reader. The caller sets a time limit.
func NewEvidence(cfg Config) Generator {
	c := make(crowd, 0, len(cfg.Logs))
	for _, log := range cfg.Logs {
		c = append(c, &evidence{final: final{reader: reader{key: log.Key}}, epoch: -1})
	}
	return c
}

const (
	// maxEpochs bounds the leader epochs that are asked for, the latest first:
	// what a violation is about is not older.
	maxEpochs = 8
	// epochTries bounds the failures in a row after which a log's epochs are
	// left alone, so that a broker which does not answer leaves time for the
	// rest.
	epochTries = 3
)

// evidence is one worker of NewEvidence.
type evidence struct {
	final
	epoch  int64 // to be asked for next; -1: the current one
	asked  int
	failed int
	done   bool // with the epochs
}

func (e *evidence) next(now time.Duration, op *histories.Op) Turn {
	if e.done {
		return e.final.next(now, op)
	}
	if !e.pause.over(now) {
		return Wait
	}
	op.F = histories.LeaderEpochs
	op.Keys, op.IDs = append(op.Keys[:0], e.key), append(op.IDs[:0], e.epoch)
	return Go
}

func (e *evidence) saw(op *histories.Op) {
	if op.F != histories.LeaderEpochs {
		e.final.saw(op)
		return
	}
	e.pause.saw(op.Type)
	if op.Type != histories.OK || len(op.IDs) == 0 {
		e.failed++
		e.done = e.failed >= epochTries
		return
	}
	e.failed = 0
	e.asked++
	// The one before the epoch that was told of; below 0 there is none.
	e.epoch = op.IDs[0] - 1
	e.done = e.epoch < 0 || offsetOf(op, e.key) <= 0 || e.asked >= maxEpochs
}
