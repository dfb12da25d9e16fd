package checker

import (
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Stats is the content of Verdict.Stats: what was done, not whether it was right.
type Stats struct {
	Seconds   float64      `json:"seconds"`
	Ops       []OpStats    `json:"ops"`    // by operation
	Phases    []SpanStats  `json:"phases"` // in order
	Faults    []FaultSpan  `json:"faults"`
	Staleness []Staleness  `json:"staleness,omitempty"` // the greatest of each log
	Groups    []GroupStats `json:"groups,omitempty"`    // of consumer groups
	// Cluster is what the brokers said of themselves, by phase; Metrics what
	// their metrics showed; Unmeasured which could not be had, and why.
	Cluster    []StateSpan  `json:"cluster,omitempty"`
	Metrics    []MetricSpan `json:"metrics,omitempty"`
	Unmeasured []string     `json:"unmeasured,omitempty"`
	// Notes are the harness's remarks: a node that ended by itself, a fault that
	// was skipped. The first ones only.
	Notes []Remark `json:"notes,omitempty"`
	// Slowed is how long the run's own live passes held its clients back.
	Slowed float64 `json:"slowed_ms,omitempty"`
}

// Remark is something that people should know of a run.
type Remark struct {
	At  int64  `json:"at_ns"`
	Why string `json:"why"`
}

// maxNotes bounds the remarks that are kept.
const maxNotes = 50

// OpStats counts one operation by outcome, with its latency.
type OpStats struct {
	F string `json:"f"`
	Outcomes
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Outcomes counts operations.
type Outcomes struct {
	OK   int64 `json:"ok"`
	Fail int64 `json:"fail"`
	Info int64 `json:"info"`
}

// SpanStats counts what completed in a span of time.
type SpanStats struct {
	Name  string `json:"name,omitempty"`
	Begin int64  `json:"begin_ns"`
	End   int64  `json:"end_ns"`
	Outcomes
	Acked     int64   `json:"acked"` // records
	AckedRate float64 `json:"acked_per_s"`
}

// FaultSpan is what completed before, during and after a fault. Before and
// after are as long as the fault itself, as far as the run reaches.
type FaultSpan struct {
	ID     int       `json:"id"`
	Fault  string    `json:"fault"`
	On     []string  `json:"on"`
	Before SpanStats `json:"before"`
	During SpanStats `json:"during"`
	After  SpanStats `json:"after"`
}

// Staleness is the age of the oldest state that a read of a log returned.
type Staleness struct {
	Log    int64   `json:"log"`
	Millis float64 `json:"ms"`
	Op     int64   `json:"op"` // the read's completion
}

// ClientsSlowed is how a note begins that says how long (Event.Args: waited_ms)
// the clients had to wait for the live passes.
const ClientsSlowed = "the checker slowed the clients"

// stats counts.
type stats struct {
	calls   processes[call]
	byF     [histories.NumF]opCount
	series  series
	phases  []SpanStats
	cluster clusterStats
	notes   []Remark
	last    time.Duration
	slowed  float64 // ms
	retires func(*histories.Op) bool
}

// call is a process's operation under way.
type call struct {
	at   time.Duration
	open bool
}

// opCount is one operation's outcomes and latencies.
type opCount struct {
	Outcomes
	latency histogram
}

func newStats(e *Env, _ *Report) Pass { return &stats{retires: e.retires} }

// Observe takes the next entry.
func (c *stats) Observe(op *histories.Op) {
	c.last = max(c.last, op.Time)
	if op.Process < 0 {
		if op.F == histories.Phase && op.Event != nil {
			c.phase(op.Event.Phase, op.Time)
		}
		if op.F == histories.Note && op.Event != nil && len(c.notes) < maxNotes {
			c.notes = append(c.notes, Remark{int64(op.Time), op.Event.Why})
		}
		if op.F == histories.Note && op.Event != nil && strings.HasPrefix(op.Event.Why, ClientsSlowed) {
			c.slowed += op.Event.Args["waited_ms"]
		}
		if n := len(c.phases); n > 0 {
			c.cluster.observe(op, c.phases[n-1].Name)
		}
		return
	}
	p := c.calls.at(op.Process)
	if op.Type == histories.Invoke {
		*p = call{op.Time, true}
		return
	}
	n := &c.byF[op.F]
	n.count(op.Type, 1)
	if p.open {
		n.latency.add(op.Time - p.at)
		p.open = false
	}
	acked := int64(0)
	if op.Type == histories.OK {
		for i := range op.Mops {
			if op.Mops[i].Send {
				acked++
			}
		}
	}
	c.series.add(op.Time, op.Type, acked)
	if len(c.phases) > 0 {
		s := &c.phases[len(c.phases)-1]
		s.count(op.Type, 1)
		s.Acked += acked
	}
	if c.retires(op) {
		c.calls.drop(op.Process)
	}
}

func (o *Outcomes) count(t histories.Type, n int64) {
	switch t {
	case histories.OK:
		o.OK += n
	case histories.Fail:
		o.Fail += n
	case histories.Info:
		o.Info += n
	}
}

// maxPhases bounds the phases of a history that is no run of ours.
const maxPhases = 1 << 10

func (c *stats) phase(name string, at time.Duration) {
	if n := len(c.phases); n > 0 {
		c.phases[n-1].End = int64(at)
	}
	if len(c.phases) < maxPhases {
		c.phases = append(c.phases, SpanStats{Name: name, Begin: int64(at)})
	}
}

// Finish does nothing.
func (c *stats) Finish() {}

// result sums up, with the faults and figures that others found.
func (c *stats) result(faults []FaultResult, stale []Staleness) Stats {
	s := Stats{Seconds: c.last.Seconds(), Slowed: c.slowed, Ops: []OpStats{}, Phases: []SpanStats{}, Faults: []FaultSpan{}, Staleness: stale,
		Cluster: c.cluster.states, Metrics: c.cluster.spans(), Unmeasured: c.cluster.missing, Notes: c.notes}
	for f := range c.byF {
		n := &c.byF[f]
		if n.Outcomes == (Outcomes{}) {
			continue
		}
		s.Ops = append(s.Ops, OpStats{F: histories.F(f).String(), Outcomes: n.Outcomes,
			P50: n.latency.quantile(0.5), P99: n.latency.quantile(0.99), Max: float64(n.latency.max) / 1e6})
	}
	for i, p := range c.phases {
		if i == len(c.phases)-1 {
			p.End = int64(c.last)
		}
		s.Phases = append(s.Phases, p.rated())
	}
	for _, f := range faults {
		end := f.End
		if end == 0 {
			end = int64(c.last)
		}
		length := end - f.Begin
		s.Faults = append(s.Faults, FaultSpan{ID: f.ID, Fault: f.Fault, On: f.On,
			Before: c.series.sum(max(0, f.Begin-length), f.Begin),
			During: c.series.sum(f.Begin, end),
			After:  c.series.sum(end, min(end+length, int64(c.last)))})
	}
	return s
}

func (s SpanStats) rated() SpanStats {
	if d := float64(s.End-s.Begin) / 1e9; d > 0 {
		s.AckedRate = float64(s.Acked) / d
	}
	return s
}
