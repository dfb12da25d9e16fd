package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A cluster takes seconds to notice a fault, and seconds to recover: faults that
// act on it need rounds of their own length. A plan with such faults is a season:
// families of faults take turns, each event as long as its fault needs, with a
// rest after it.
type season struct {
	r        *rand.Rand
	cfg      *DrawConfig
	families []*dealer // those that the plan has, in the order of this turn
	dealt    int       // events dealt from families[0:] in this turn
}

// seasonal says whether any of the faults needs a round of its own length.
func seasonal(faults []Fault) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.Family != OnLinks })
}

// newSeason sorts the faults into families.
func newSeason(r *rand.Rand, cfg *DrawConfig, faults []Fault) *season {
	s := &season{r: r, cfg: cfg}
	for _, f := range faults {
		i := slices.IndexFunc(s.families, func(d *dealer) bool { return d.faults[0].Family == f.Family })
		if i < 0 {
			s.families = append(s.families, &dealer{r: r})
			i = len(s.families) - 1
		}
		s.families[i].faults = append(s.families[i].faults, f)
	}
	s.shuffle()
	return s
}

// shuffle makes new decks, and a new order of the families.
func (s *season) shuffle() {
	s.r.Shuffle(len(s.families), func(i, j int) { s.families[i], s.families[j] = s.families[j], s.families[i] })
	for _, d := range s.families {
		d.deck = slices.Clone(d.faults)
		s.r.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
	}
	s.dealt = 0
}

// next deals a fault that can be held within the time left: from the family
// whose turn it is, or the next one that has any. After every card of every
// family come new decks.
func (s *season) next(left time.Duration) (Fault, bool) {
	if !slices.ContainsFunc(s.families, func(d *dealer) bool { return len(d.deck) > 0 }) {
		s.shuffle()
	}
	for range s.families {
		d := s.families[s.dealt%len(s.families)]
		s.dealt++
		for i, f := range d.deck {
			if s.least(f) <= left {
				d.deck = slices.Delete(d.deck, i, i+1)
				return f, true
			}
		}
	}
	return Fault{}, false
}

// least is the shortest time that a drawn event of the fault is held.
func (s *season) least(f Fault) time.Duration { return max(f.Hold.Min, shortest) }

// draw draws the plan.
func (s *season) draw() (Plan, error) {
	var plan Plan
	at := s.cfg.Calm
	for len(plan) < maxEvents {
		f, ok := s.next(s.cfg.Length - at)
		if !ok {
			break
		}
		e := s.event(f, at, s.cfg.Length-at)
		e.ID = len(plan)
		plan = append(plan, e)
		if g, ok := s.companion(f, e); ok {
			g.ID = len(plan)
			plan = append(plan, g)
		}
		at += max(s.cfg.Interval, e.For+rest(f, e.For)).Truncate(time.Millisecond)
	}
	if len(plan) == 0 {
		return nil, fmt.Errorf("draw a plan: %v, of which %v calm, leave no time for any of these faults: %v or more is needed",
			s.cfg.Length, s.cfg.Calm, s.cfg.Calm+s.shortestHold())
	}
	return plan, nil
}

// shortestHold is the least that any fault of the season is held.
func (s *season) shortestHold() time.Duration {
	out := time.Duration(1<<63 - 1)
	for _, d := range s.families {
		for _, f := range d.faults {
			out = min(out, s.least(f))
		}
	}
	return out
}

// rest is how long a cluster is left alone after a fault.
func rest(f Fault, hold time.Duration) time.Duration {
	switch f.Family {
	case OnLinks:
		return hold / 2
	case OnPeers, OnCluster, OnPackets:
		return 3 * time.Second
	}
	return 6 * time.Second // to elect, to start again and to catch up
}

// event draws an event of the fault.
func (s *season) event(f Fault, at, left time.Duration) Event {
	d := &dealer{r: s.r}
	e := Event{At: at, Fault: f.Name}
	span := f.Hold
	if span.Max == 0 {
		span = Hold{s.cfg.Interval / 2, s.cfg.Interval * 5 / 8}
	}
	e.For = span.Min + time.Duration(s.r.Float64()*float64(span.Max-span.Min))
	e.On = s.nodes(f, d)
	if f.Cut && 2*len(e.On) > len(s.cfg.Nodes) && len(s.cfg.Nodes) > 1 {
		e.For = min(e.For, maxCut)
	}
	e.For = min(max(e.For, s.least(f)), maxHold, left).Truncate(time.Millisecond)
	if len(f.Directions) > 0 {
		e.Direction = f.Directions[s.r.IntN(len(f.Directions))]
	}
	e.Args = d.args(f)
	return e
}

// nodes draws the nodes that a fault hits. Where the cluster can be asked, one
// node is now and then a leader, whoever that is when the event begins.
func (s *season) nodes(f Fault, d *dealer) []string {
	all := slices.Clone(s.cfg.Nodes)
	s.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	n := 1
	switch f.Hits {
	case HitsAny:
		n = d.count(len(all), 1)
	case HitsMinority:
		n = 1 + s.r.IntN(max(1, (len(all)-1)/2))
	case HitsAll:
		return all
	}
	if n > 1 || f.Family == OnLinks || !s.cfg.Offer.Admin {
		on := all[:n]
		slices.SortFunc(on, func(a, b string) int { return slices.Index(s.cfg.Nodes, a) - slices.Index(s.cfg.Nodes, b) })
		return on
	}
	switch s.r.IntN(4) {
	case 0:
		return []string{AtLeader}
	case 1:
		if f.Family != OnCluster { // a controller may lead no partition
			return []string{AtController}
		}
	}
	return all[:1]
}

// companion draws, now and then, a fault on the clients' links that acts while
// nodes are cut apart or slowed down. It never cuts: two cuts together may leave
// nobody to make progress.
func (s *season) companion(f Fault, beside Event) (Event, bool) {
	if f.Family != OnPeers && f.Family != OnCuts || beside.For < 3*shortest || s.r.IntN(3) > 0 {
		return Event{}, false
	}
	for _, d := range s.families {
		i := slices.IndexFunc(d.deck, func(g Fault) bool { return g.Family == OnLinks && !g.Cut })
		if i < 0 {
			continue
		}
		g := d.deck[i]
		d.deck = slices.Delete(d.deck, i, i+1)
		late := beside.For / 4
		e := s.event(g, beside.At+late, beside.For-late)
		return e, true
	}
	return Event{}, false
}
