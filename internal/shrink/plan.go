package shrink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ackproof/ackproof/nemesis"
)

// Candidate is what one rerun tries: a plan, and how fast the clients go.
type Candidate struct {
	Plan nemesis.Plan
	Rate float64 // operations per second of all clients; 0: as fast as they can
}

// String names the candidate for a line.
func (c Candidate) String() string {
	names := make([]string, len(c.Plan))
	for i, e := range c.Plan {
		names[i] = fmt.Sprintf("%s for %s", e, e.For)
	}
	what := "no fault"
	if len(names) > 0 {
		what = strings.Join(names, "; ")
	}
	rate := "as fast as the clients can"
	if c.Rate > 0 {
		rate = fmt.Sprintf("%g operations/s", c.Rate)
	}
	return fmt.Sprintf("%d events, %s (%s)", len(c.Plan), rate, what)
}

// encoded is the plan as the state keeps it.
func (c Candidate) encoded() json.RawMessage { return json.RawMessage(c.Plan.Encode()) }

// keyOf tells two candidates apart.
func keyOf(plan json.RawMessage, rate float64) string {
	var b bytes.Buffer
	if err := json.Compact(&b, plan); err != nil {
		return string(plan) // a state that was not written here; nothing equals it
	}
	return fmt.Sprintf("%g %s", rate, b.Bytes())
}

// PlanSearch looks for the smallest plan that still brings an anomaly about,
// by reruns. A live rerun is a rate and never a promise: a candidate reproduces
// when one of its N reruns does, and each step tells how many did.
type PlanSearch struct {
	N      int           // reruns of each candidate
	Runs   int           // reruns in all; 0: no limit
	Budget time.Duration // time in all; 0: no limit
	// Rerun makes a run and tells whether it shows the anomaly. Its error ends
	// the search; a run whose harness failed is one that did not reproduce.
	Rerun func(Candidate) (bool, error)
	Say   func(line string)  // tells each step
	Save  func(*State) error // keeps what was tried; called after every rerun
	Stop  func() bool        // the user has enough
	Now   func() time.Time   // the clock

	state *State
	began time.Time
	made  int  // reruns of this call
	out   bool // the budget is spent, or the user has enough
	err   error
}

// State is what was tried so far. It is all that a search needs to go on: the
// candidates follow from the results in a fixed order.
type State struct {
	Format int      `json:"format"`
	Kind   string   `json:"kind"`
	Tried  []*Tried `json:"tried"`
	known  map[string]*Tried
}

// Tried is a candidate with its reruns.
type Tried struct {
	Plan       json.RawMessage `json:"plan"`
	Rate       float64         `json:"rate"`
	Runs       int             `json:"runs"`
	Reproduced int             `json:"reproduced"`
}

// StateFormat is the version of the state.
const StateFormat = 1

func (s *State) of(c Candidate) *Tried {
	if s.known == nil {
		s.known = map[string]*Tried{}
		for _, t := range s.Tried {
			s.known[keyOf(t.Plan, t.Rate)] = t
		}
	}
	plan := c.encoded()
	key := keyOf(plan, c.Rate)
	t := s.known[key]
	if t == nil {
		t = &Tried{Plan: plan, Rate: c.Rate}
		s.Tried = append(s.Tried, t)
		s.known[key] = t
	}
	return t
}

// Smallest is what a search ended with.
type Smallest struct {
	Candidate
	Runs, Reproduced int       // of the candidate; none where even the whole plan was not tried
	Began            Candidate // what it began with
	Made             int       // reruns of this call
	// Whole says that the search came to its end: nothing smaller reproduces in
	// N reruns. Where it did not, more budget goes on from here.
	Whole bool
}

// Run searches from what reproduced once, going on from the state.
func (p *PlanSearch) Run(from Candidate, state *State) (Smallest, error) {
	p.state, p.began = state, p.Now()
	best := from
	if p.try("the whole plan", from) {
		best = p.smaller(from)
	}
	t := state.of(best)
	return Smallest{Candidate: best, Runs: t.Runs, Reproduced: t.Reproduced, Began: from, Made: p.made, Whole: !p.out && p.err == nil}, p.err
}

// smaller takes away events, then time, then load.
func (p *PlanSearch) smaller(c Candidate) Candidate {
	if none := (Candidate{nemesis.Plan{}, c.Rate}); len(c.Plan) > 0 && p.try("no fault at all", none) {
		c = none
	}
	c.Plan = Minimal(c.Plan, func(part []nemesis.Event) bool {
		return len(part) > 0 && p.try("fewer events", Candidate{part, c.Rate})
	})
	for i := range c.Plan {
		for {
			shorter := append(nemesis.Plan(nil), c.Plan...)
			shorter[i].For = (c.Plan[i].For / 2).Round(100 * time.Millisecond)
			if shorter[i].For < shortestFault || !p.try("a shorter "+c.Plan[i].Fault, Candidate{shorter, c.Rate}) {
				break
			}
			c.Plan = shorter
		}
	}
	for c.Rate/2 >= lowestRate && p.try("half the load", Candidate{c.Plan, c.Rate / 2}) {
		c.Rate /= 2
	}
	return c
}

const (
	// shortestFault is the least time in which a fault can be proven.
	shortestFault = time.Second
	// lowestRate is the load, in operations per second, below which a run does
	// too little to find anything.
	lowestRate = 50
)

// try makes the reruns of a candidate that are still missing. Once the budget
// is spent nothing new reproduces.
func (p *PlanSearch) try(what string, c Candidate) bool {
	t := p.state.of(c)
	for t.Runs < p.N && !p.spent() {
		again, err := p.Rerun(c)
		if err != nil {
			p.out, p.err = true, err
			return false
		}
		if p.Stop() && !again { // a run that was cut short says nothing
			p.out = true
			return false
		}
		p.made++
		t.Runs++
		if again {
			t.Reproduced++
		}
		if err := p.Save(p.state); err != nil {
			p.out, p.err = true, err
			return false
		}
	}
	if t.Runs >= p.N {
		p.Say(fmt.Sprintf("%d of %d: %s: %s", t.Reproduced, t.Runs, what, c))
	}
	return t.Reproduced > 0 && t.Runs > 0 && (t.Runs >= p.N || !p.out)
}

// spent tells whether no further rerun may begin.
func (p *PlanSearch) spent() bool {
	p.out = p.out || p.Stop() ||
		p.Runs > 0 && p.made >= p.Runs || p.Budget > 0 && p.Now().Sub(p.began) >= p.Budget
	return p.out
}
