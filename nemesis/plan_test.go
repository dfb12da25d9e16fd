package nemesis

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/internal/seed"
)

var threeNodes = []string{"n1", "n2", "n3"}

// defaults is a run of 20 s with its plan in the first 15.
func defaults() DrawConfig {
	return DrawConfig{Faults: []string{"all"}, Nodes: threeNodes, Length: 15 * time.Second, Calm: time.Second, Interval: 2500 * time.Millisecond, Offer: Offer{OwnServer: true}}
}

// TestDrawIsGolden holds the draw of one seed byte for byte: a saved plan can
// be drawn again by any later version.
func TestDrawIsGolden(t *testing.T) {
	p, err := Draw(seed.Seed(1).Stream("nemesis"), defaults())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "plan-seed-1.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, p.Encode(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Encode(), want) {
		t.Errorf("the plan of seed 1 is\n%s\nwant\n%s", p.Encode(), want)
	}
}

// TestDrawnPlans draws plans of every kind and holds them to what Draw promises.
func TestDrawnPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DrawConfig{
			Faults:   []string{"all"},
			Nodes:    []string{"n1", "n2", "n3", "n4", "n5"}[:rapid.IntRange(1, 5).Draw(t, "nodes")],
			Calm:     time.Duration(rapid.IntRange(0, 5000).Draw(t, "calm")) * time.Millisecond,
			Interval: time.Duration(rapid.IntRange(1000, 20_000).Draw(t, "interval")) * time.Millisecond,
			Offer:    Offer{OwnServer: rapid.Bool().Draw(t, "embedded")},
		}
		cfg.Length = cfg.Calm + time.Duration(rapid.IntRange(1000, 300_000).Draw(t, "length"))*time.Millisecond
		if rapid.Bool().Draw(t, "few") {
			cfg.Faults = []string{"down", "latency", "down"}
		}
		s := seed.Seed(rapid.Uint64().Draw(t, "seed"))
		p, err := Draw(s.Stream("nemesis"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Draw(s.Stream("nemesis"), cfg)
		if !reflect.DeepEqual(p, again) {
			t.Fatal("the same seed drew another plan")
		}
		back, err := ParsePlan("plan.json", p.Encode(), cfg.Nodes)
		if err != nil {
			t.Fatalf("a drawn plan is refused: %v", err)
		}
		if !bytes.Equal(back.Encode(), p.Encode()) {
			t.Fatalf("%s\nbecame\n%s", p.Encode(), back.Encode())
		}
		if u := slices.DeleteFunc(p.Unusual(), func(s string) bool { return strings.Contains(s, "too short") }); len(u) > 0 {
			t.Fatalf("drawn outside the realistic ranges: %v", u)
		}
		if err := p.Check(cfg.Offer); err != nil {
			t.Fatal(err)
		}
		checkDeck(t, p, cfg)
		checkTimes(t, p, cfg)
	})
}

// checkDeck holds a plan to the deck rule.
func checkDeck(t *rapid.T, p Plan, cfg DrawConfig) {
	faults, _ := cfg.faults()
	for i := 0; i < len(p); i += len(faults) {
		kinds := map[string]bool{}
		hand := p[i:min(i+len(faults), len(p))]
		for _, e := range hand {
			kinds[e.Fault] = true
		}
		if len(kinds) != len(hand) {
			t.Fatalf("events %d to %d hold only %d kinds", i, i+len(hand)-1, len(kinds))
		}
	}
}

// checkTimes holds a plan to its length, its number of events and its quiet times.
func checkTimes(t *rapid.T, p Plan, cfg DrawConfig) {
	usable := cfg.Length - cfg.Calm
	if want := int(usable / cfg.Interval); len(p) < want || len(p) > want+1 && len(p) > 1 {
		t.Fatalf("%d events in %v at intervals of %v", len(p), usable, cfg.Interval)
	}
	var acting time.Duration
	end := time.Duration(0)
	for i, e := range p {
		if e.At < cfg.Calm || e.At+e.For > cfg.Length || e.For < shortest/2 {
			t.Fatalf("event %d from %v for %v; calm %v, length %v", i, e.At, e.For, cfg.Calm, cfg.Length)
		}
		if i > 0 && e.At < p[i-1].At {
			t.Fatalf("event %d begins before the one before it", i)
		}
		acting += max(0, e.At+e.For-max(end, e.At))
		end = max(end, e.At+e.For)
	}
	if acting > usable*4/5 {
		t.Fatalf("faults act for %v of %v: no quiet", acting, usable)
	}
}

// TestDefaultPlansAreWorthRunning draws the default run's plan for many seeds.
func TestDefaultPlansAreWorthRunning(t *testing.T) {
	two := 0
	for s := range seed.Seed(500) {
		p, err := Draw(s.Stream("nemesis"), defaults())
		if err != nil {
			t.Fatal(err)
		}
		if len(p) < 4 {
			t.Fatalf("seed %d: only %d events", s, len(p))
		}
		for i, e := range p {
			if e.For < shortest || e.For > 4*time.Second {
				t.Errorf("seed %d: event %d is held %v", s, i, e.For)
			}
			if i > 0 && e.At < p[i-1].At+p[i-1].For {
				two++
			}
		}
	}
	if two == 0 {
		t.Error("never two faults at a time")
	}
}

func TestDrawRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*DrawConfig)
		says   string
	}{
		{func(c *DrawConfig) { c.Faults = []string{"latncy"} }, `did you mean "latency"?`},
		{func(c *DrawConfig) { c.Faults, c.Offer = []string{"retransmit"}, Offer{} }, "own Toxiproxy server"},
		{func(c *DrawConfig) { c.Nodes = nil }, "no nodes"},
		{func(c *DrawConfig) { c.Length = c.Calm }, "no time for a fault"},
		{func(c *DrawConfig) { c.Interval = time.Millisecond }, "1s or more"},
		{func(c *DrawConfig) { c.Length = 1e6 * time.Second }, "at most 10000"},
	} {
		cfg := defaults()
		c.change(&cfg)
		if _, err := Draw(rand.New(rand.NewPCG(1, 1)), cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one with %q", err, c.says)
		}
	}
	for _, none := range [][]string{nil, {"none"}} {
		cfg := defaults()
		cfg.Faults = none
		if p, err := Draw(rand.New(rand.NewPCG(1, 1)), cfg); err != nil || len(p) > 0 {
			t.Errorf("faults %v: %v, %v", none, p, err)
		}
	}
}

func TestParsePlan(t *testing.T) {
	p, err := ParsePlan("p", []byte(`[
		{"at":"1s","for":"2s","fault":"latency","on":["n1","n2"],"direction":"both","args":{"latency_ms":5000}},
		{"id":7,"at":3000000000,"for":"500ms","fault":"down","on":["n1"]}
	]`), threeNodes)
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{
		{ID: 0, At: time.Second, For: 2 * time.Second, Fault: "latency", On: []string{"n1", "n2"}, Direction: Both, Args: map[string]float64{"latency_ms": 5000}},
		{ID: 7, At: 3 * time.Second, For: 500 * time.Millisecond, Fault: "down", On: []string{"n1"}},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("plan %+v, want %+v", p, want)
	}
	if u := p.Unusual(); len(u) != 2 || !strings.Contains(u[0], "latency_ms 5000") || !strings.Contains(u[1], "too short") {
		t.Errorf("unusual: %q", u)
	}
}

func TestParsePlanRefuses(t *testing.T) {
	const ok = `"at":"1s","for":"1s","fault":"down","on":["n1"]`
	for _, c := range []struct{ plan, says string }{
		{``, "p:1: a plan is a JSON array of events: the file ends too early"},
		{`{}`, "p:1: a plan is a JSON array"},
		{`[`, "too early"},
		{`[{`, "too early"},
		{`[{` + ok + `}`, "the array of events does not end"},
		{`[{` + ok + `}] 1`, "something follows"},
		{`[1]`, "event 0: an event is a JSON object"},
		{"[\n{" + ok + "},\n{" + ok + `,"fualt":1}]`, `p:3: event 1: "fualt" is unknown: did you mean "fault"?`},
		{`[{` + ok + `,"at":"2s"}]`, "event 0, at: it stands there twice"},
		{`[{"at":"1s","for":"1s","fault":"down"}]`, "event 0, on: it is missing"},
		{`[{"at":"x","for":"1s","fault":"down","on":["n1"]}]`, `"x" is no duration`},
		{`[{"at":1.5,"for":"1s","fault":"down","on":["n1"]}]`, "whole nanoseconds"},
		{`[{"at":"-1s","for":"1s","fault":"down","on":["n1"]}]`, "event 0, at: -1s"},
		{`[{"at":"1s","for":"0s","fault":"down","on":["n1"]}]`, "more than 0s"},
		{`[{"at":"1s","for":"1s","fault":"dwon","on":["n1"]}]`, `did you mean "down"?`},
		{`[{"at":"1s","for":"1s","fault":"down","on":[]}]`, "there are n1, n2, n3"},
		{`[{"at":"1s","for":"1s","fault":"down","on":["n9"]}]`, `"n9" is unknown`},
		{`[{"at":"1s","for":"1s","fault":"down","on":["n1","n1"]}]`, "n1 stands there twice"},
		{`[{"at":"1s","for":"1s","fault":"down","on":["n1"],"direction":"both"}]`, "down has no direction"},
		{`[{"at":"1s","for":"1s","fault":"stall","on":["n1"]}]`, "stall takes upstream, downstream, both"},
		{`[{"at":"1s","for":"1s","fault":"stall","on":["n1"],"direction":null}]`, "null is no value"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both"}]`, "latency_ms is missing"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency":1}}]`, "latency_ms"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":-1}}]`, "allowed are 0 to 600000 ms"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":1.5}}]`, "whole number of ms"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":"1"}}]`, "want a number"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":1,"latency_ms":2}}]`, "twice"},
		{`[{"at":"1s","for":"1s","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":10,"jitter_ms":20}}]`, "more than latency_ms"},
		{`[{"at":"1s","for":"1s","fault":"bandwidth","on":["n1"],"direction":"both","args":{"rate_kBps":0}}]`, "allowed are 1 to"},
		{`[{"id":-1,` + ok + `}]`, "whole number from 0"},
		{`[{"id":3,` + ok + `},{"id":3,` + ok + `}]`, "3 is the id of an earlier event"},
		{"[{" + ok + "},\n{\"at\":\"1500ms\",\"for\":\"1s\",\"fault\":\"stall\",\"on\":[\"n2\",\"n1\"],\"direction\":\"both\"}]",
			"p:2: event 1, on: stall n2+n1 begins at 1.5s while event 0 (down n1) holds the same link until 2s"},
	} {
		_, err := ParsePlan("p", []byte(c.plan), threeNodes)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s\n\terror %v\n\twant  %s", c.plan, err, c.says)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %v", c.plan, err)
		}
	}
}

// A plan can be read before the cluster is there, and is held to its nodes later.
func TestParsePlanBeforeTheCluster(t *testing.T) {
	b := []byte(`[{"at":"1s","for":"1s","fault":"down","on":["n9"]}]`)
	if _, err := ParsePlan("p", b, nil); err != nil {
		t.Error(err)
	}
	if _, err := ParsePlan("p", b, threeNodes); err == nil {
		t.Error("a plan for a node that is not there was accepted")
	}
}

// FuzzParsePlan: no input panics; what is accepted is encoded and parsed back
// to the same plan, and every event in it can be run.
func FuzzParsePlan(f *testing.F) {
	for s := range seed.Seed(4) {
		p, err := Draw(s.Stream("nemesis"), defaults())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Encode())
	}
	f.Add([]byte(`[{"at":1,"for":"1s","fault":"down","on":["n1"]}]`))
	f.Add([]byte("[{\"at\":\"1s\",\n\"args\":{\"x\":1e400}}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePlan("p", b, threeNodes)
		if err != nil {
			return
		}
		back, err := ParsePlan("p", p.Encode(), threeNodes)
		if err != nil {
			t.Fatalf("%s\nis refused: %v", p.Encode(), err)
		}
		if !bytes.Equal(back.Encode(), p.Encode()) {
			t.Fatalf("%s\nbecame\n%s", p.Encode(), back.Encode())
		}
		p.Unusual()
		for _, e := range p {
			if f, ok := FindFault(e.Fault); !ok || len(e.On) == 0 || e.For <= 0 {
				t.Fatalf("accepted %+v of %v", e, f.Name)
			}
		}
	})
}

// TestCatalogue holds every row to what the pages made from it need.
func TestCatalogue(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Faults {
		if f.Name == "" || f.Doc == "" || names[f.Name] || f.Inject == nil || f.Watch == nil {
			t.Errorf("row %q is not complete, or there twice", f.Name)
		}
		names[f.Name] = true
		for _, a := range f.Args {
			if a.Unit == "" || a.Doc == "" || a.Step <= 0 || a.Floor > a.Min || a.Min > a.Max || a.Max > a.Ceil {
				t.Errorf("%s: argument %+v", f.Name, a)
			}
		}
	}
}
