package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Administration is repeated until it is done, at moments that depend on what
// the others have seen, and is not one of a worker's n operations.

// janitor adds the partitions and then lets the topic live and die: it creates
// it, waits until the visitors have finished with it, and deletes it.
type janitor struct {
	a     *administration
	added int
	pause pause
}

func (j *janitor) next(now time.Duration, op *histories.Op) Turn {
	if !j.pause.over(now) {
		return Wait
	}
	a := j.a
	var logs []histories.Log
	switch {
	case j.added < len(a.added):
		op.F = histories.CreatePartitions
		logs = a.added[j.added : j.added+1]
	case a.born == a.buried && a.born < len(a.lives):
		op.F = histories.CreateTopic
		logs = a.lives[a.born]
	case a.born > a.buried && a.born < len(a.lives) && a.visited(a.buried):
		op.F = histories.DeleteTopic
		logs = a.lives[a.buried]
	default:
		return Wait
	}
	for _, l := range logs {
		op.Keys = append(op.Keys, l.Key)
	}
	return Go
}

func (j *janitor) saw(op *histories.Op) {
	j.pause.saw(op.Type)
	if op.Type != histories.OK {
		return
	}
	switch op.F {
	case histories.CreatePartitions:
		j.added++
	case histories.CreateTopic:
		j.a.born++
	case histories.DeleteTopic:
		j.a.buried++
	}
}

// The trimmer deletes trimStep more records of a log at a time, and leaves at
// least trimKeep of them.
const (
	trimStep = 200
	trimKeep = 100
)

// trimmer deletes the first records of logs, in turns. Where to is known
// beforehand; when, depends on how long the log has become. After each deletion it
// asks for what it has deleted.
type trimmer struct {
	a     *administration
	done  int
	look  int // what is left to do of asking: an assignment, and polls
	pause pause
}

// trimLook is how many operations the trimmer makes to ask for what it deleted:
// an assignment below the log's start, a poll of it, and one from where that led.
const trimLook = 3

func (t *trimmer) next(now time.Duration, op *histories.Op) Turn {
	if !t.pause.over(now) {
		return Wait
	}
	n := len(t.a.trims)
	switch t.look {
	case trimLook:
		last := t.done - 1
		op.F = histories.Assign
		op.Keys = append(op.Keys, t.a.trims[last%n].Key)
		op.Seek.To = histories.SeekBeginning
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: op.Keys[0], Offset: int64(last/n+1)*trimStep - trimKeep})
		return Go
	case 2, 1:
		op.F = histories.Poll
		op.Mops = append(op.Mops, histories.Mop{})
		return Go
	}
	log, to := t.a.trims[t.done%n], int64(t.done/n+1)*trimStep
	if t.a.lengths[log.Key] < to+trimKeep {
		return Wait
	}
	op.F = histories.DeleteRecords
	op.Keys = append(op.Keys, log.Key)
	op.Offsets = append(op.Offsets, histories.KeyOffset{Key: log.Key, Offset: to})
	return Go
}

func (t *trimmer) saw(op *histories.Op) {
	switch {
	case t.look > 0:
		t.look--
	case op.Type == histories.OK:
		t.done++
		t.look = trimLook
	}
	if t.look == 0 || t.look == trimLook {
		t.pause.saw(op.Type)
	}
}

// visitOps is how many operations a visitor makes in each life of a topic.
const visitOps = 200

// visitor is a client of the topic that lives and dies. Its n-th operation
// concerns the life n / visitOps, the last one for ever.
type visitor struct {
	client
	a    *administration
	life int // from 0
	done int // operations
}

func newVisitor(a *administration, worker int) *visitor {
	cfg := a.cfg
	cfg.Logs = a.lives[0]
	v := &visitor{client: *newClient(cfg, worker, logMix), a: a}
	a.visits = append(a.visits, v)
	return v
}

func (v *visitor) next(now time.Duration, op *histories.Op) Turn {
	if life := min(v.done/visitOps, len(v.a.lives)-1); life > v.life {
		v.life = life
		v.cfg.Logs = v.a.lives[life]
		v.keys = append(v.keys[:0], v.cfg.Logs[0].Key)
		v.assigned = false
	}
	if v.a.born <= v.life {
		return Wait
	}
	return v.client.next(now, op)
}

func (v *visitor) saw(op *histories.Op) {
	if v.cfg.Counted(v.worker, op) {
		v.done++
	}
	v.client.saw(op)
}

// lifeTail is the tailing reader of a partition of the topic that lives and
// dies. It goes on to the next life once there is one.
type lifeTail struct {
	reader
	a         *administration
	partition int32
	life      int // from 1; 0: none yet
}

func (t *lifeTail) next(now time.Duration, op *histories.Op) Turn {
	if t.life == 0 || t.a.buried >= t.life {
		if t.a.born <= t.a.buried {
			return Wait
		}
		t.life = t.a.born
		t.reader = reader{key: t.a.lives[t.life-1][t.partition].Key, pause: t.pause}
	}
	if !t.pause.over(now) {
		return Wait
	}
	t.read(op)
	return Go
}
