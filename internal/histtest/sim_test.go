package histtest

import (
	"bytes"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// oracle checks a history in the plainest way, with none of the checker's code.
type oracle struct {
	t      *testing.T
	strict bool
	log    map[int64]map[int64]int64 // by log, by offset: the value
	acked  map[int64]map[int64]int64
	sent   map[int64]bool
	failed map[int64]bool
	shown  map[int64]int64           // by log: the greatest length completed so far
	open   map[int64]map[int64]int64 // by process: shown at its invocation
	own    map[[2]int64]int64        // by process and log: the greatest length it saw
	at     map[[2]int64]int64        // by process and log: its position
	final  map[int64]map[int64]bool  // by log: the offsets of the final reads
	ends   map[int64]int64           // by log: the last listed end
	lasts  map[int64]histories.F     // by process: open operation
	phase  string
	time   int64
	next   int64
	dead   map[int64]bool
	stale  int
}

func newOracle(t *testing.T, strict bool) *oracle {
	return &oracle{
		t: t, strict: strict, log: map[int64]map[int64]int64{}, acked: map[int64]map[int64]int64{},
		sent: map[int64]bool{}, failed: map[int64]bool{}, shown: map[int64]int64{},
		open: map[int64]map[int64]int64{}, own: map[[2]int64]int64{}, at: map[[2]int64]int64{},
		final: map[int64]map[int64]bool{}, ends: map[int64]int64{}, lasts: map[int64]histories.F{},
		dead: map[int64]bool{}, time: -1,
	}
}

func (o *oracle) entry(op *histories.Op) {
	t := o.t
	if op.Index != o.next || int64(op.Time) <= o.time {
		t.Fatalf("entry %d at %d after entry %d at %d", op.Index, op.Time, o.next-1, o.time)
	}
	o.next, o.time = op.Index+1, int64(op.Time)
	if op.Process == histories.Nemesis {
		if op.F == histories.Phase {
			o.phase = op.Event.Phase
		}
		return
	}
	if o.dead[op.Process] {
		t.Fatalf("entry %d: process %d is dead", op.Index, op.Process)
	}
	f, busy := o.lasts[op.Process]
	if op.Type == histories.Invoke {
		if busy {
			t.Fatalf("entry %d: process %d is busy", op.Index, op.Process)
		}
		o.lasts[op.Process] = op.F
		before := map[int64]int64{}
		for k, n := range o.shown {
			before[k] = n
		}
		o.open[op.Process] = before
		for _, m := range op.Mops {
			if m.Send {
				if o.sent[m.Value] {
					t.Fatalf("entry %d: value %d was sent before", op.Index, m.Value)
				}
				o.sent[m.Value] = true
			}
		}
		return
	}
	if !busy || f != op.F {
		t.Fatalf("entry %d: completion of %v without its invocation", op.Index, op.F)
	}
	delete(o.lasts, op.Process)
	if op.Type == histories.Info {
		o.dead[op.Process] = true
	}
	o.completion(op)
}

func (o *oracle) completion(op *histories.Op) {
	ok := op.Type == histories.OK
	for _, m := range op.Mops {
		if m.Send && ok {
			o.put(o.acked, op, m.Key, m.Offset, m.Value)
			o.put(o.log, op, m.Key, m.Offset, m.Value)
			o.length(op, m.Key, m.Offset+1)
			if m.Offset < o.open[op.Process][m.Key] {
				o.t.Fatalf("entry %d: acknowledged at %d, the log had %d records before the call", op.Index, m.Offset, o.open[op.Process][m.Key])
			}
		}
		if m.Send && op.Type == histories.Fail {
			o.failed[m.Value] = true
		}
	}
	if !ok {
		return
	}
	switch op.F {
	case histories.Assign:
		for _, p := range op.Offsets {
			o.at[[2]int64{op.Process, p.Key}] = p.Offset
		}
	case histories.EndOffsets:
		for _, p := range op.Offsets {
			if p.Offset < o.open[op.Process][p.Key] {
				o.t.Fatalf("entry %d: end %d of log %d, which had %d", op.Index, p.Offset, p.Key, o.open[op.Process][p.Key])
			}
			o.length(op, p.Key, p.Offset)
			o.ends[p.Key] = p.Offset
		}
	case histories.Poll:
		o.poll(op)
	}
}

func (o *oracle) poll(op *histories.Op) {
	if len(op.Mops) != 1 || !op.Mops[0].Polled || int(op.Mops[0].To) != len(op.Runs) {
		o.t.Fatalf("entry %d: mops %+v with %d runs", op.Index, op.Mops, len(op.Runs))
	}
	next := map[int64]int64{}
	for _, f := range op.Fetched {
		if at := o.at[[2]int64{op.Process, f.Key}]; at != f.Position {
			o.t.Fatalf("entry %d: fetch at %d, position %d", op.Index, f.Position, at)
		}
		if f.HighWatermark < o.open[op.Process][f.Key] {
			if o.stale++; o.strict {
				o.t.Fatalf("entry %d: high watermark %d, the log had %d", op.Index, f.HighWatermark, o.open[op.Process][f.Key])
			}
		}
		if f.HighWatermark < o.own[[2]int64{op.Process, f.Key}] {
			o.t.Fatalf("entry %d: process %d goes back", op.Index, op.Process)
		}
		next[f.Key] = f.Position
		o.length(op, f.Key, f.HighWatermark)
	}
	for k, rec := range op.Polled() {
		if rec.Offset != next[k] {
			o.t.Fatalf("entry %d: record at %d, want %d", op.Index, rec.Offset, next[k])
		}
		next[k]++
		if !o.sent[rec.Value] || o.failed[rec.Value] {
			o.t.Fatalf("entry %d: value %d was not sent", op.Index, rec.Value)
		}
		o.put(o.log, op, k, rec.Offset, rec.Value)
		if o.phase == histories.PhaseFinal {
			if o.final[k] == nil {
				o.final[k] = map[int64]bool{}
			}
			o.final[k][rec.Offset] = true
		}
	}
	for k, n := range next {
		o.at[[2]int64{op.Process, k}] = n
	}
}

func (o *oracle) length(op *histories.Op, key, n int64) {
	o.shown[key] = max(o.shown[key], n)
	p := [2]int64{op.Process, key}
	o.own[p] = max(o.own[p], n)
}

func (o *oracle) put(to map[int64]map[int64]int64, op *histories.Op, key, offset, value int64) {
	if to[key] == nil {
		to[key] = map[int64]int64{}
	}
	if v, ok := to[key][offset]; ok && v != value {
		o.t.Fatalf("entry %d: log %d has %d and %d at %d", op.Index, key, v, value, offset)
	}
	to[key][offset] = value
}

// finish checks that the final reads returned everything up to the listed end.
func (o *oracle) finish(logs int) {
	for k := range int64(logs) {
		if int64(len(o.final[k])) != o.ends[k] || o.ends[k] != o.shown[k] {
			o.t.Errorf("log %d: %d records in the final reads, end %d, %d shown", k, len(o.final[k]), o.ends[k], o.shown[k])
		}
	}
	if o.phase != histories.PhaseEnd || len(o.lasts) > 0 {
		o.t.Errorf("phase %q at the end, %d operations open", o.phase, len(o.lasts))
	}
}

func TestSimulatedHistoriesAreValid(t *testing.T) {
	for name, o := range map[string]Options{
		"default":   {},
		"one":       {Clients: 1, Logs: 1, Ops: 500},
		"busy":      {Clients: 50, Logs: 8, Ops: 20_000},
		"uncertain": {InfoRate: 0.3, FailRate: 0.2, Crashes: 50, Ops: 3000},
		"no tails":  {NoTails: true},
		"tiny":      {Ops: 1},
	} {
		for seed := range uint64(5) {
			o.Seed = seed
			check := newOracle(t, true)
			st := Simulate(o, check.entry)
			check.finish(o.withDefaults().Logs)
			if t.Failed() {
				t.Fatalf("%s, seed %d: %+v", name, seed, st)
			}
		}
	}
}

func TestStaleFetchesAreWhatKafkaAllows(t *testing.T) {
	check := newOracle(t, false)
	st := Simulate(Options{StaleRate: 0.2, Ops: 5000}, check.entry)
	check.finish(2)
	if st.Stale == 0 || int(st.Stale) != check.stale {
		t.Errorf("%d stale fetches counted, %d found", st.Stale, check.stale)
	}
}

func TestSameOptionsSameHistory(t *testing.T) {
	text := func(seed uint64) []byte {
		var b []byte
		Simulate(Options{Seed: seed}, func(op *histories.Op) { b = histories.AppendJSON(b, op) })
		return b
	}
	if !bytes.Equal(text(1), text(1)) {
		t.Error("the same options made two histories")
	}
	if bytes.Equal(text(1), text(2)) {
		t.Error("two seeds made the same history")
	}
}

func TestWideValues(t *testing.T) {
	var c content
	values := []int64{0, 1<<32 - 2, 1<<32 - 1, 1 << 40, -1, 7}
	for _, v := range values {
		c.append(v)
	}
	for i, v := range values {
		if got := c.at(int64(i)); got != v {
			t.Errorf("value %d came back as %d", v, got)
		}
	}
}

func BenchmarkSimulate(b *testing.B) {
	for b.Loop() {
		Simulate(Options{Ops: 1_000_000, Clients: 50, Logs: 8}, func(*histories.Op) {})
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}
