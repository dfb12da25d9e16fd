package nemesis

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/internal/seed"
)

// ownCluster is what a cluster of our own offers.
func ownCluster(nodes int) Offer {
	return Offer{OwnServer: true, Peers: nodes > 1, Processes: true, Admin: true, Nodes: nodes}
}

// TestDrawnSeasons draws plans for clusters of every size and holds them to what
// Draw promises of them.
func TestDrawnSeasons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "nodes")
		cfg := DrawConfig{
			Faults: []string{"all"}, Nodes: []string{"n1", "n2", "n3", "n4", "n5"}[:n], Offer: ownCluster(n),
			Calm:     time.Duration(rapid.IntRange(0, 5000).Draw(t, "calm")) * time.Millisecond,
			Interval: time.Duration(rapid.IntRange(1000, 30_000).Draw(t, "interval")) * time.Millisecond,
		}
		cfg.Length = cfg.Calm + time.Duration(rapid.IntRange(2000, 600_000).Draw(t, "length"))*time.Millisecond
		s := seed.Seed(rapid.Uint64().Draw(t, "seed"))
		p, err := Draw(s.Stream("nemesis"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Draw(s.Stream("nemesis"), cfg); !reflect.DeepEqual(p, again) {
			t.Fatal("the same seed drew another plan")
		}
		back, err := ParsePlan("plan.json", p.Encode(), cfg.Nodes)
		if err != nil {
			t.Fatalf("a drawn plan is refused: %v\n%s", err, p.Encode())
		}
		if !bytes.Equal(back.Encode(), p.Encode()) {
			t.Fatalf("%s\nbecame\n%s", p.Encode(), back.Encode())
		}
		if u := p.Unusual(); len(u) > 0 {
			t.Fatalf("drawn outside the realistic ranges: %v", u)
		}
		if err := p.Check(cfg.Offer); err != nil {
			t.Fatal(err)
		}
		checkDeck(t, p, cfg)
		checkSeason(t, p, cfg)
	})
}

// checkSeason holds a plan to its time, its holds and the contract.
func checkSeason(t *rapid.T, p Plan, cfg DrawConfig) {
	for i, e := range p {
		f, _ := FindFault(e.Fault)
		if e.At < cfg.Calm || e.At+e.For > cfg.Length || e.For < max(f.Hold.Min, shortest) || f.Hold.Max > 0 && e.For > f.Hold.Max {
			t.Fatalf("event %d, %v, from %v for %v; calm %v, length %v, hold %v", i, e, e.At, e.For, cfg.Calm, cfg.Length, f.Hold)
		}
		if f.Family != OnLinks && f.Hits == HitsMinority && 2*len(e.On) >= len(cfg.Nodes) && len(e.On) > 1 {
			t.Fatalf("event %d, %v, costs the majority", i, e)
		}
		if f.Family == OnCrashes && (len(e.On) > 1 || len(cfg.Nodes) < 3) {
			t.Fatalf("event %d, %v, kills more than the contract bears", i, e)
		}
		for _, o := range p[:i] {
			if o.At+o.For <= e.At {
				continue
			}
			g, _ := FindFault(o.Fault)
			if f.Family != OnLinks || f.Cut || g.Family != OnCuts && g.Family != OnPeers {
				t.Fatalf("%v begins while %v acts", e, o)
			}
		}
	}
}

// TestSeasonOfTheDefaultCluster: 150 s of all faults on three nodes hold a kill,
// a cut between nodes and five kinds more, whatever the seed.
func TestSeasonOfTheDefaultCluster(t *testing.T) {
	symbolsSeen := map[string]int{}
	for s := range seed.Seed(500) {
		p, err := Draw(s.Stream("nemesis"), DrawConfig{
			Faults: []string{"all"}, Nodes: threeNodes, Offer: ownCluster(3),
			Length: 146 * time.Second, Calm: 2 * time.Second, Interval: 2500 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		kinds, families := map[string]bool{}, map[Family]bool{}
		for _, e := range p {
			f, _ := FindFault(e.Fault)
			kinds[e.Fault], families[f.Family] = true, true
			for _, n := range e.On {
				if symbolic(n) {
					symbolsSeen[n]++
				}
			}
		}
		if len(kinds) < 7 || !families[OnCuts] || !kinds["kill"] {
			t.Errorf("seed %d: only %v", s, kinds)
		}
		if kinds["kill-all"] || kinds["power-loss"] {
			t.Errorf("seed %d: %v goes beyond the contract", s, kinds)
		}
	}
	for _, n := range []string{AtLeader, AtController} {
		if symbolsSeen[n] < 100 {
			t.Errorf("%s was drawn %d times in 500 plans", n, symbolsSeen[n])
		}
	}
}

// TestByNameOnly draws what goes beyond the contract, which "all" never does.
func TestByNameOnly(t *testing.T) {
	for _, name := range []string{"kill-all", "power-loss"} {
		if slices.Contains(FaultNames(ownCluster(3)), name) {
			t.Errorf("all means %s", name)
		}
		p, err := Draw(seed.Seed(1).Stream("nemesis"), DrawConfig{
			Faults: []string{name}, Nodes: threeNodes, Offer: ownCluster(3), Length: time.Minute, Interval: time.Second,
		})
		if err != nil || len(p) == 0 || len(p[0].On) != 3 {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if u := p.Unusual(); len(u) == 0 || !strings.Contains(u[0], "contract") {
			t.Errorf("%s: %q", name, u)
		}
	}
}

// TestSeasonNeedsTime refuses a plan too short for its faults, and those that the
// cluster is too small for.
func TestSeasonNeedsTime(t *testing.T) {
	cfg := DrawConfig{Faults: []string{"isolate"}, Nodes: threeNodes, Offer: ownCluster(3), Length: 9 * time.Second, Interval: time.Second}
	if _, err := Draw(seed.Seed(1).Stream("nemesis"), cfg); err == nil || !strings.Contains(err.Error(), "10s or more") {
		t.Errorf("error %v", err)
	}
	cfg = DrawConfig{Faults: []string{"ring"}, Nodes: threeNodes[:2], Offer: ownCluster(2), Length: time.Minute, Interval: time.Second}
	if _, err := Draw(seed.Seed(1).Stream("nemesis"), cfg); err == nil || !strings.Contains(err.Error(), "3 nodes") {
		t.Errorf("error %v", err)
	}
	if n := FaultNames(ownCluster(1)); slices.Contains(n, "kill") || !slices.Contains(n, "pause") {
		t.Errorf("on one node all means %v", n)
	}
}

// TestSymbolsInPlans parses plans that mean nodes by symbols.
func TestSymbolsInPlans(t *testing.T) {
	for _, c := range []struct{ plan, says string }{
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@leader"]}]`, ""},
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@leader:3"]}]`, ""},
		{`[{"at":"1s","for":"1s","fault":"isolate","on":["@random","@random"]}]`, ""},
		{`[{"at":"1s","for":"9s","fault":"isolate-in","on":["@leader:0"]},{"at":"5s","for":"1s","fault":"kill","on":["@leader:0"]}]`, ""},
		{`[{"at":"1s","for":"9s","fault":"isolate","on":["n1"]},{"at":"5s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":50}}]`, ""},
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@leder"]}]`, `did you mean "@leader"?`},
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@controller:1"]}]`, "only @leader takes a number"},
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@leader:x"]}]`, "only @leader takes a number"},
		{`[{"at":"1s","for":"1s","fault":"kill","on":["@leader","@leader"]}]`, "stands there twice"},
		{`[{"at":"1s","for":"9s","fault":"kill","on":["@leader"]},{"at":"5s","for":"1s","fault":"pause","on":["n2"]}]`, "may be the same node"},
		{`[{"at":"1s","for":"9s","fault":"isolate","on":["n1"]},{"at":"5s","for":"1s","fault":"isolate-in","on":["n2"]}]`, "links to other nodes"},
		{`[{"at":"1s","for":"9s","fault":"kill","on":["n1"]},{"at":"5s","for":"1s","fault":"down","on":["n1"]}]`, "down n1 begins at 5s"},
		{`[{"at":"1s","for":"9s","fault":"ring","on":["n1","n2"]}]`, "three nodes"},
		{`[{"at":"1s","for":"9s","fault":"peer-latency","on":["n1"],"direction":"upstream","args":{"latency_ms":50}}]`, "takes in, out, both"},
	} {
		_, err := ParsePlan("p", []byte(c.plan), threeNodes)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s\n\terror %v\n\twant  %q", c.plan, err, c.says)
		}
	}
}
