package nemesis

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// DrawConfig is what a plan is drawn from.
type DrawConfig struct {
	Faults []string // names from the catalogue, or "all"; empty or "none": no events
	Nodes  []string
	// Length is the time that the plan may take, from the start of its walk
	// until the last heal.
	Length time.Duration
	// Calm is the time at the start without events, part of Length.
	Calm time.Duration
	// Interval is the mean time between the starts of two events.
	Interval time.Duration
	// Offer is what the target has: it decides what "all" means.
	Offer Offer
}

const (
	// maxHold bounds how long a drawn event is held, and maxCut how long one
	// that leaves clients no way to make progress.
	maxHold = 30 * time.Second
	maxCut  = 1500 * time.Millisecond
	// maxEvents bounds a plan.
	maxEvents = 10_000
)

// Draw draws a plan. It is pure: the same stream and configuration give the
// same plan. The faults come from a shuffled deck, so that k events hold k
// different kinds where the list has that many. Mostly one fault acts at a
// time, now and then two on different nodes; in between the links are quiet.
// Faults that act on the cluster itself take longer than the interval says.
func Draw(r *rand.Rand, cfg DrawConfig) (Plan, error) {
	faults, err := cfg.faults()
	if err != nil || len(faults) == 0 {
		return nil, err
	}
	if len(cfg.Nodes) == 0 {
		return nil, errors.New("draw a plan: no nodes")
	}
	usable := cfg.Length - cfg.Calm
	if cfg.Interval < shortest {
		return nil, fmt.Errorf("draw a plan: an interval of %v leaves no time to prove a fault: %v or more is needed", cfg.Interval, shortest)
	}
	if cfg.Calm < 0 || usable < shortest {
		return nil, fmt.Errorf("draw a plan: %v, of which %v calm, leave no time for a fault: %v or more is needed", cfg.Length, cfg.Calm, cfg.Calm+shortest)
	}
	if seasonal(faults) {
		return newSeason(r, &cfg, faults).draw()
	}
	n := max(1, int(math.Round(float64(usable)/float64(cfg.Interval))))
	if usable/time.Duration(n) < shortest {
		n--
	}
	if n > maxEvents {
		return nil, fmt.Errorf("draw a plan: %v with an event each %v are %d events: at most %d are allowed", cfg.Length, cfg.Interval, n, maxEvents)
	}
	d := &dealer{r: r, faults: faults}
	var plan Plan
	for _, round := range rounds(r, n, len(cfg.Nodes), cfg.Calm, usable) {
		plan = append(plan, d.round(round, len(plan), cfg.Nodes)...)
	}
	return plan, nil
}

// faults finds the faults named, each once, in the order of the catalogue.
func (cfg *DrawConfig) faults() ([]Fault, error) {
	if len(cfg.Faults) == 0 || len(cfg.Faults) == 1 && cfg.Faults[0] == "none" {
		return nil, nil
	}
	want := map[string]bool{}
	for _, name := range cfg.Faults {
		f, ok := FindFault(name)
		switch {
		case name == "all":
			for _, n := range FaultNames(cfg.Offer) {
				want[n] = true
			}
		case !ok:
			return nil, unknown(name, append(everyName(), "all", "none"), "faults are")
		case f.Lacks(cfg.Offer) != nil:
			return nil, f.Lacks(cfg.Offer)
		default:
			want[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(Faults), func(f Fault) bool { return !want[f.Name] }), nil
}

// round is a stretch of time that holds one event or two, and then quiet.
type round struct {
	at, length time.Duration
	events     int
}

// rounds parts the time among the events.
func rounds(r *rand.Rand, n, nodes int, at, usable time.Duration) []round {
	var out []round
	var weights []float64
	total := 0.0
	for left := n; left > 0; {
		k := 1
		if nodes > 1 && left > 1 && r.IntN(4) == 0 {
			k = 2
		}
		w := float64(k) * (0.85 + 0.3*r.Float64())
		out, weights, total = append(out, round{events: k}), append(weights, w), total+w
		left -= k
	}
	// No round is shorter than a fault needs: the shares are even then.
	scale := float64(usable) / total
	if scale*0.85 < float64(shortest) {
		scale = float64(usable) / float64(n)
		for i := range weights {
			weights[i] = float64(out[i].events)
		}
	}
	for i := range out {
		length := time.Duration(weights[i] * scale).Truncate(time.Millisecond)
		out[i].at, out[i].length = at, length
		at += length
	}
	return out
}

// dealer deals faults from a shuffled deck.
type dealer struct {
	r      *rand.Rand
	faults []Fault
	deck   []Fault
	last   string
}

// next deals a fault. After a full deck comes a new one, which does not begin
// with the fault that ended the old.
func (d *dealer) next() Fault {
	if len(d.deck) == 0 {
		d.deck = slices.Clone(d.faults)
		d.r.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
		if len(d.deck) > 1 && d.deck[0].Name == d.last {
			d.deck[0], d.deck[1] = d.deck[1], d.deck[0]
		}
	}
	f := d.deck[0]
	d.deck = d.deck[1:]
	d.last = f.Name
	return f
}

// round deals the events of one round, on different nodes. They end early
// enough that at least a quarter of the round is quiet.
func (d *dealer) round(r round, id int, nodes []string) Plan {
	free := slices.Clone(nodes)
	d.r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	var out Plan
	for k := range r.events {
		f := d.next()
		late := time.Duration(0)
		if k > 0 { // the second begins while the first acts
			late = r.length / 8
		}
		hold := time.Duration(float64(r.length) * (0.5 + 0.12*d.r.Float64()))
		hold = min(max(hold, min(shortest, r.length*3/4)), maxHold, r.length*3/4-late)
		count := d.count(len(free), r.events-k)
		if f.Cut && 2*count > len(nodes) && len(nodes) > 1 {
			hold = min(hold, maxCut)
		}
		e := Event{ID: id + k, At: r.at + late, For: hold.Truncate(time.Millisecond), Fault: f.Name}
		e.On, free = slices.Clone(free[:count]), free[count:]
		slices.SortFunc(e.On, func(a, b string) int { return slices.Index(nodes, a) - slices.Index(nodes, b) })
		if len(f.Directions) > 0 {
			e.Direction = f.Directions[d.r.IntN(len(f.Directions))]
		}
		e.Args = d.args(f)
		out = append(out, e)
	}
	return out
}

// count draws how many of the free nodes are hit: one, a minority, a majority
// or all, leaving one for each further event of the round.
func (d *dealer) count(free, events int) int {
	most := free - (events - 1)
	n := 1
	switch d.r.IntN(8) {
	case 4, 5:
		n = (free - 1) / 2
	case 6:
		n = free/2 + 1
	case 7:
		n = free
	}
	return min(max(n, 1), most)
}

// args draws the arguments inside their realistic ranges. Those that depend on
// another are drawn again until they fit, which the ranges make likely.
func (d *dealer) args(f Fault) map[string]float64 {
	if len(f.Args) == 0 {
		return nil
	}
	for {
		args := map[string]float64{}
		for _, a := range f.Args {
			if a.Optional && a.Min == a.Max {
				continue // left to the event
			}
			steps := int(math.Round((a.Max - a.Min) / a.Step))
			v := a.Min + float64(d.r.IntN(steps+1))*a.Step
			args[a.Name] = math.Round(v*1000) / 1000
		}
		if f.Check == nil || f.Check(Event{Args: args}) == nil {
			return args
		}
	}
}
