package page

import (
	"math"
	"strconv"
	"time"
)

// Data is what the page's charts are drawn from, as the page carries it. Every
// series has a point for each bucket of time; times are seconds since the run
// began.
type Data struct {
	Format  int     `json:"format"` // DataFormat
	Width   float64 `json:"width"`  // of a bucket
	Seconds float64 `json:"seconds"`
	Entries int64   `json:"entries"`

	OK    []int64 `json:"ok"` // operations completed in the bucket
	Fail  []int64 `json:"fail"`
	Info  []int64 `json:"info"`
	Acked []int64 `json:"acked"` // records acknowledged in the bucket
	Read  []int64 `json:"read"`  // records that polls returned in the bucket

	Latency   []Latency  `json:"latency"`
	Logs      []Log      `json:"logs"`
	LogsLeft  int64      `json:"logs_left,omitempty"` // logs without curves
	Faults    []Band     `json:"faults"`
	Phases    []Mark     `json:"phases"`
	Notes     []Mark     `json:"notes,omitempty"`
	Metrics   []Metric   `json:"metrics,omitempty"`
	Timelines []Timeline `json:"timelines,omitempty"`
}

// DataFormat is the version of Data. Pages of another version are shown as they
// are, and cannot be compared.
const DataFormat = 1

// Latency has quantiles over time of one group of operations, in milliseconds.
type Latency struct {
	Name string `json:"name"`
	P50  Sparse `json:"p50"`
	P90  Sparse `json:"p90"`
	P99  Sparse `json:"p99"`
	Max  Sparse `json:"max"`
}

// Log has the progress of one log, a point for every Step buckets. The numbers
// are differences to the point before.
type Log struct {
	Key   string  `json:"key"`
	Name  string  `json:"name"`
	Step  int     `json:"step"`
	Acked []int64 `json:"acked"` // records acknowledged
	Read  []int64 `json:"read"`  // the offset behind the last record polled
	End   []int64 `json:"end"`   // the offset behind the last record known of
}

// Band is a span of time with a name: a fault.
type Band struct {
	ID   int     `json:"id"`
	Name string  `json:"name"`
	On   string  `json:"on"`
	From float64 `json:"from"`
	To   float64 `json:"to"` // -1: it lasts
}

// Mark is a moment with a name.
type Mark struct {
	At   float64 `json:"at"`
	Name string  `json:"name"`
}

// Metric is a metric of a node.
type Metric struct {
	Node   string `json:"node"`
	Name   string `json:"name"`
	Values Sparse `json:"values"`
}

// Sparse is a series with gaps, which are NaN and encoded as null. Values are
// encoded with four digits.
type Sparse []float64

// MarshalJSON encodes the series.
func (s Sparse) MarshalJSON() ([]byte, error) {
	b := make([]byte, 1, 6*len(s)+2)
	b[0] = '['
	for i, v := range s {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
			continue
		}
		if math.Abs(v) >= 1e15 || v != 0 && math.Abs(v) < 1e-6 {
			b = strconv.AppendFloat(b, v, 'e', 3, 64)
			continue
		}
		// Four digits in all, none of them behind a point that is not needed.
		decimals := 3
		if v != 0 {
			decimals = max(0, 3-int(math.Floor(math.Log10(math.Abs(v)))))
		}
		f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', decimals, 64), 64)
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON decodes the series.
func (s *Sparse) UnmarshalJSON(b []byte) error {
	var ptrs []*float64
	if err := unmarshal(b, &ptrs); err != nil {
		return err
	}
	*s = make(Sparse, len(ptrs))
	for i, p := range ptrs {
		(*s)[i] = math.NaN()
		if p != nil {
			(*s)[i] = *p
		}
	}
	return nil
}

// logPoints is how many points a log's curves have at most.
const logPoints = 256

// Snapshot returns what was gathered so far.
func (g *Gather) Snapshot() Data {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(g.tallies)
	d := Data{
		Format: DataFormat, Width: max(g.clock.width, firstWidth).Seconds(), Seconds: g.last.Seconds(), Entries: g.entries,
		OK: make([]int64, n), Fail: make([]int64, n), Info: make([]int64, n), Acked: make([]int64, n), Read: make([]int64, n),
		Latency: []Latency{}, Logs: []Log{}, Faults: []Band{}, Phases: []Mark{},
	}
	for i, t := range g.tallies {
		d.OK[i], d.Fail[i], d.Info[i], d.Acked[i], d.Read[i] = t.ok, t.fail, t.info, t.acked, t.read
	}
	for k, series := range g.latency {
		if l, any := quantilesOver(groupNames[k], series); any {
			d.Latency = append(d.Latency, l)
		}
	}
	for _, l := range g.logs.logs {
		if l.draw {
			d.Logs = append(d.Logs, l.data(n))
		} else {
			d.LogsLeft++
		}
	}
	for _, b := range g.events.bands {
		to := -1.0
		if b.to >= 0 {
			to = b.to.Seconds()
		}
		d.Faults = append(d.Faults, Band{b.id, b.fault, b.on, b.from.Seconds(), to})
	}
	d.Phases = append(d.Phases, marks(g.events.marks)...)
	d.Notes = marks(g.events.notes)
	for _, m := range g.metrics.series {
		d.Metrics = append(d.Metrics, Metric{m.node, m.name, append(Sparse{}, m.at...)})
	}
	return d
}

// Active names the faults that act now.
func (g *Gather) Active() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.events.active()
}

func marks(in []mark) []Mark {
	var out []Mark
	for _, m := range in {
		out = append(out, Mark{m.at.Seconds(), m.name})
	}
	return out
}

func quantilesOver(name string, series []*latencies) (l Latency, any bool) {
	n := len(series)
	l = Latency{Name: name, P50: make(Sparse, n), P90: make(Sparse, n), P99: make(Sparse, n), Max: make(Sparse, n)}
	shares := []float64{0.5, 0.9, 0.99}
	var q [3]time.Duration
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	for i, h := range series {
		if h == nil {
			nan := math.NaN()
			l.P50[i], l.P90[i], l.P99[i], l.Max[i] = nan, nan, nan, nan
			continue
		}
		any = true
		h.quantiles(shares, q[:])
		l.P50[i], l.P90[i], l.P99[i], l.Max[i] = ms(q[0]), ms(q[1]), ms(q[2]), ms(h.max)
	}
	return l, any
}

// data returns the log's curves over n buckets.
func (l *logProgress) data(n int) Log {
	step := max(1, (n+logPoints-1)/logPoints)
	out := Log{Key: strconv.FormatInt(l.key, 10), Name: l.name, Step: step, Acked: []int64{}, Read: []int64{}, End: []int64{}}
	var was, now standing
	for i := 0; i < n; i += step {
		for j := i; j < min(i+step, len(l.at)); j++ {
			if l.at[j] != (standing{}) {
				now = l.at[j]
			}
		}
		out.Acked = append(out.Acked, now.acked-was.acked)
		out.Read = append(out.Read, now.read-was.read)
		out.End = append(out.End, now.end-was.end)
		was = now
	}
	return out
}
