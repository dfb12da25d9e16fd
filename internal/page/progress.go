package page

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

const (
	// maxDrawnLogs is how many logs get curves; of the others only the last
	// state is kept.
	maxDrawnLogs = 64
	// maxLogs bounds the logs of a foreign history that are kept at all.
	maxLogs = 1 << 14
)

// standing is how far a log is: records acknowledged, the offset behind the
// last one that a consumer was given, and the offset behind the last one that
// anybody was told of.
type standing struct{ acked, read, end int64 }

// progress follows the logs.
type progress struct {
	near []*logProgress // by key, where it is small
	byID map[int64]*logProgress
	logs []*logProgress // in the header's order, then as they appear
	lost int64          // logs beyond maxLogs
}

// logProgress is one log. at has its state at the end of each bucket, the zero
// standing where nothing happened in it.
type logProgress struct {
	key  int64
	name string
	now  standing
	at   []standing // nil where it is not drawn
	draw bool
}

func (p *progress) init(logs []histories.Log) {
	p.byID = map[int64]*logProgress{}
	for _, l := range logs {
		if len(p.logs) < maxLogs && p.byID[l.Key] == nil {
			p.add(l.Key, fmt.Sprintf("%s/%d", l.Topic, l.Partition))
		}
	}
}

func (p *progress) add(key int64, name string) *logProgress {
	l := &logProgress{key: key, name: name, draw: len(p.logs) < maxDrawnLogs}
	p.logs = append(p.logs, l)
	p.byID[key] = l
	if key >= 0 && key < maxLogs {
		for int64(len(p.near)) <= key {
			p.near = append(p.near, nil)
		}
		p.near[key] = l
	}
	return l
}

// log finds the log of a key; nil where there are too many.
func (p *progress) log(key int64) *logProgress {
	if key >= 0 && key < int64(len(p.near)) && p.near[key] != nil {
		return p.near[key]
	}
	if l := p.byID[key]; l != nil {
		return l
	}
	if len(p.logs) >= maxLogs {
		p.lost++
		return nil
	}
	return p.add(key, fmt.Sprintf("log %d", key))
}

// observe takes an ok completion in the bucket, and returns how many records it
// acknowledged and how many it read.
func (p *progress) observe(bucket int, op *histories.Op) (acked, read int64) {
	for i := range op.Mops {
		m := &op.Mops[i]
		if m.Send {
			acked++
			if l := p.log(m.Key); l != nil {
				l.now.acked++
				l.now.end = max(l.now.end, m.Offset+1)
				l.keep(bucket)
			}
			continue
		}
		for _, run := range op.Runs[m.From:m.To] {
			recs := op.Recs[run.From:run.To]
			read += int64(len(recs))
			if l := p.log(run.Key); l != nil && len(recs) > 0 {
				l.now.read = max(l.now.read, recs[0].Offset+1, recs[len(recs)-1].Offset+1)
				l.now.end = max(l.now.end, l.now.read)
				l.keep(bucket)
			}
		}
	}
	if op.F == histories.EndOffsets {
		for _, o := range op.Offsets {
			if l := p.log(o.Key); l != nil {
				l.now.end = max(l.now.end, o.Offset)
				l.keep(bucket)
			}
		}
	}
	return acked, read
}

// keep notes the log's state as that of the bucket.
func (l *logProgress) keep(bucket int) {
	if !l.draw {
		return
	}
	for len(l.at) <= bucket {
		l.at = append(l.at, standing{})
	}
	l.at[bucket] = l.now
}

// join makes one bucket of every two: the later state counts.
func (p *progress) join() {
	for _, l := range p.logs {
		n := (len(l.at) + 1) / 2
		for i := range n {
			s := l.at[2*i]
			if 2*i+1 < len(l.at) && l.at[2*i+1] != (standing{}) {
				s = l.at[2*i+1]
			}
			l.at[i] = s
		}
		l.at = l.at[:n]
	}
}
