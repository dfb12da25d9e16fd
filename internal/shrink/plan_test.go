package shrink

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/nemesis"
)

// world is a cluster that shows the anomaly exactly when every event of the
// cause is there, long enough, and under enough load.
type world struct {
	cause  []int // by id
	least  time.Duration
	rate   float64
	reruns int
}

func (w *world) rerun(c Candidate) (bool, error) {
	w.reruns++
	for _, id := range w.cause {
		if !slices.ContainsFunc(c.Plan, func(e nemesis.Event) bool { return e.ID == id && e.For >= w.least }) {
			return false, nil
		}
	}
	return c.Rate >= w.rate, nil
}

func planOf(n int) nemesis.Plan {
	p := make(nemesis.Plan, n)
	for i := range p {
		p[i] = nemesis.Event{ID: i, At: time.Duration(i) * 3 * time.Second, For: 8 * time.Second, Fault: "stall", On: []string{"n1"}}
	}
	return p
}

func searcher(w *world) *PlanSearch {
	now := time.Unix(0, 0)
	return &PlanSearch{
		N: 2, Rerun: w.rerun, Say: func(string) {}, Save: func(*State) error { return nil }, Stop: func() bool { return false },
		Now: func() time.Time { now = now.Add(time.Second); return now },
	}
}

// TestPlanShrinks: whatever the cause, what is left is the cause, no longer and
// under no more load than halving can tell.
func TestPlanShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "events")
		w := &world{
			cause: rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(n, 3), rapid.ID).Draw(t, "cause"),
			least: time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond,
			rate:  rapid.Float64Range(0, 5000).Draw(t, "rate"),
		}
		slices.Sort(w.cause)
		got, err := searcher(w).Run(Candidate{planOf(n), 5000}, &State{})
		if err != nil || !got.Whole {
			t.Fatalf("%+v %v", got, err)
		}
		if got.Runs != 2 || got.Reproduced != 2 {
			t.Errorf("%d of %d", got.Reproduced, got.Runs)
		}
		var ids []int
		for _, e := range got.Plan {
			ids = append(ids, e.ID)
			if e.For < w.least || e.For/2 >= max(w.least, shortestFault)+100*time.Millisecond {
				t.Errorf("for %v where %v are enough", e.For, w.least)
			}
		}
		if !slices.Equal(ids, w.cause) {
			t.Errorf("events %v of the cause %v", ids, w.cause)
		}
		if got.Rate < w.rate || got.Rate/2 >= max(w.rate, lowestRate) {
			t.Errorf("rate %v where %v is enough", got.Rate, w.rate)
		}
	})
}

// TestPlanResumes: a search that is cut off again and again, and goes on from
// what it kept, makes the same reruns and ends with the same plan as one in one go.
func TestPlanResumes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := func() *world { return &world{cause: []int{2, 5}, least: 3 * time.Second, rate: 700} }
		whole := w()
		want, err := searcher(whole).Run(Candidate{planOf(8), 5000}, &State{})
		if err != nil {
			t.Fatal(err)
		}
		kept := []byte("{}")
		pieces := w()
		for range 200 {
			state := &State{}
			if err := json.Unmarshal(kept, state); err != nil {
				t.Fatal(err)
			}
			p := searcher(pieces)
			p.Runs = rapid.IntRange(1, 5).Draw(t, "runs")
			p.Save = func(s *State) (err error) { kept, err = json.Marshal(s); return err }
			got, err := p.Run(Candidate{planOf(8), 5000}, state)
			if err != nil || got.Made > p.Runs {
				t.Fatalf("%+v %v", got, err)
			}
			if got.Whole {
				if !reflect.DeepEqual(got.Candidate, want.Candidate) || pieces.reruns != whole.reruns {
					t.Errorf("%v after %d reruns; in one go %v after %d", got.Candidate, pieces.reruns, want.Candidate, whole.reruns)
				}
				return
			}
		}
		t.Error("it does not end")
	})
}

// TestPlanRates: a candidate that reproduces now and then reproduces, and each
// step tells how often.
func TestPlanRates(t *testing.T) {
	var said []string
	n := 0
	p := searcher(&world{})
	p.N, p.Say = 3, func(line string) { said = append(said, line) }
	p.Rerun = func(c Candidate) (bool, error) { n++; return n%3 == 0 && len(c.Plan) > 0, nil }
	got, err := p.Run(Candidate{planOf(2), 60}, &State{})
	if err != nil || got.Reproduced != 1 || got.Runs != 3 || len(got.Plan) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if !strings.HasPrefix(said[0], "1 of 3: the whole plan: 2 events, 60 operations/s (stall n1 for 8s; stall n1 for 8s)") ||
		!strings.HasPrefix(said[1], "0 of 3: no fault at all: 0 events") {
		t.Errorf("%q", said)
	}
}

// TestPlanThatDoesNotReproduce ends with the plan that it began with, and its rate.
func TestPlanThatDoesNotReproduce(t *testing.T) {
	w := &world{cause: []int{9}}
	got, err := searcher(w).Run(Candidate{planOf(3), 5000}, &State{})
	if err != nil || got.Reproduced != 0 || got.Runs != 2 || len(got.Plan) != 3 || w.reruns != 2 {
		t.Errorf("%+v %v after %d reruns", got, err, w.reruns)
	}
}

// TestPlanBudgets: no rerun begins once time or runs are spent, or the user has
// enough; the smallest so far is the result.
func TestPlanBudgets(t *testing.T) {
	for name, limit := range map[string]func(*PlanSearch){
		"time": func(p *PlanSearch) { p.Budget = 12 * time.Second },
		"runs": func(p *PlanSearch) { p.Runs = 9 },
		"stop": func(p *PlanSearch) { n := 0; p.Stop = func() bool { n++; return n > 18 } },
	} {
		w := &world{cause: []int{1}, least: time.Second}
		p := searcher(w)
		limit(p)
		got, err := p.Run(Candidate{planOf(8), 5000}, &State{})
		if err != nil || got.Whole || got.Reproduced == 0 || len(got.Plan) >= 8 || w.reruns > 12 {
			t.Errorf("%s: %+v %v after %d reruns", name, got, err, w.reruns)
		}
	}
}

// TestPlanRerunThatIsCutShort: what the user ended is not counted.
func TestPlanRerunThatIsCutShort(t *testing.T) {
	w := &world{cause: []int{1}}
	p := searcher(w)
	p.Stop = func() bool { return w.reruns == 4 } // in the middle of the fourth
	state := &State{}
	got, err := p.Run(Candidate{planOf(4), 100}, state)
	counted := 0
	for _, t := range state.Tried {
		counted += t.Runs
	}
	if err != nil || got.Whole || counted != 3 || got.Made != 3 {
		t.Errorf("%+v %v, %d counted", got, err, counted)
	}
}

// TestPlanHarnessFails: an error ends the search and is told.
func TestPlanHarnessFails(t *testing.T) {
	p := searcher(&world{})
	p.Rerun = func(Candidate) (bool, error) { return false, errors.New("no broker") }
	if _, err := p.Run(Candidate{planOf(3), 5000}, &State{}); err == nil || err.Error() != "no broker" {
		t.Errorf("%v", err)
	}
}

// TestStateComesBack: what is written is read, and nothing is tried twice.
func TestStateComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	w := &world{cause: []int{1}, least: time.Second}
	for i, want := range []bool{true, false} {
		state, err := ReadState(path, "unseen")
		if err != nil {
			t.Fatal(err)
		}
		p, saved := searcher(w), false
		p.Save = func(s *State) error { saved = true; return s.Write(path) }
		got, err := p.Run(Candidate{planOf(3), 100}, state)
		if err != nil || !got.Whole || saved != want || got.Reproduced != 2 {
			t.Errorf("time %d: %+v %v, saved: %v", i, got, err, saved)
		}
	}
}

func TestStateThatCannotBeUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for text, want := range map[string]string{
		"{":                            "remove it to begin anew",
		`{"format":9}`:                 "has format 9, this version reads 1; remove it to begin anew",
		`{"format":1,"kind":"unseen"}`: "is of a search for unseen; name it with --kind",
		`{"format":1,"kind":"lost-write","tried":[{"runs":1,"reproduced":2}]}`: "entry 0 of tried",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadState(path, "lost-write"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
