package museum

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/nemesis"
)

// cause is what makes a kind of the harness: unknown, and never invalid.
type cause struct {
	kind checker.Kind
	what string
	// stage brings it about, from a sound run or in a run of its own.
	stage func(t *testing.T, sound run.Result) checker.Verdict
}

var causes = []cause{
	{checker.FaultDidNotBite, "a limit of a terabyte on what a connection may pass", func(t *testing.T, _ run.Result) checker.Verdict {
		return staged(t, run.Options{Plan: nemesis.Plan{{
			At: 100 * time.Millisecond, For: 1200 * time.Millisecond, Fault: "limit-data", On: []string{"n1"}, Direction: nemesis.Downstream,
			Args: map[string]float64{"limit_bytes": 1 << 40},
		}}}, nil)
	}},
	{checker.HealDidNotHold, "a toxic that somebody else adds, and nobody removes", func(t *testing.T, _ run.Result) checker.Verdict {
		return strangerAtTheLinks(t)
	}},
	{checker.TooLittleWork, "fewer acknowledged records than are asked for", func(t *testing.T, sound run.Result) checker.Verdict {
		return again(t, sound.Dir, checker.Options{MinAcked: 1 << 40})
	}},
	{checker.CheckerTimeout, "porcupine has a nanosecond for each window", func(t *testing.T, sound run.Result) checker.Verdict {
		return again(t, sound.Dir, checker.Options{MinAcked: 5, WindowTimeout: 1})
	}},
	{checker.MalformedHistory, "two lines of the file changed places", func(t *testing.T, sound run.Result) checker.Verdict {
		return damaged(t, sound, func(lines [][]byte) [][]byte {
			n := len(lines) / 2
			lines[n], lines[n+1] = lines[n+1], lines[n]
			return lines
		})
	}},
	{checker.IncompleteRun, "the file ends in the middle of a line, as after kill -9", func(t *testing.T, sound run.Result) checker.Verdict {
		return damaged(t, sound, func(lines [][]byte) [][]byte {
			n := len(lines) / 2
			return append(lines[:n], lines[n][:len(lines[n])/2])
		})
	}},
}

// stagedElsewhere are the kinds that no run can have.
var stagedElsewhere = map[checker.Kind]string{
	checker.CheckerDisagreement: "two algorithms disagree only where one of them is wrong: checker.TestDisagreementIsUnknown breaks one",
}

// TestEveryHarnessKindIsStaged brings about what each kind of the harness is
// there for. A sound run, of which nothing of that is true, has none of them.
func TestEveryHarnessKindIsStaged(t *testing.T) {
	t.Parallel()
	for _, k := range checker.Kinds {
		if k.Group == checker.GroupHarness && stagedElsewhere[k.Name] == "" &&
			!slices.ContainsFunc(causes, func(c cause) bool { return c.kind == k.Name }) {
			t.Errorf("%s has no staged cause: add one to causes", k.Name)
		}
	}
	var sound run.Result
	for n := 1; n <= tries && sound.Verdict.Valid == checker.Unknown; n++ { // a busy machine does little
		var err error
		if sound, err = run.Run(t.Context(), clientSpec(n), run.Options{Store: t.TempDir(), Tool: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	if sound.Verdict.Valid != checker.Valid {
		t.Fatalf("a sound run: %s", told(sound.Verdict))
	}
	for _, c := range causes {
		t.Run(string(c.kind), func(t *testing.T) {
			v := c.stage(t, sound)
			if v.Valid != checker.Unknown || !slices.ContainsFunc(v.Unknown, func(r checker.Reason) bool { return r.Kind == c.kind }) {
				t.Errorf("%s: %s", c.what, told(v))
			}
		})
	}
}

// staged is the verdict of a run of its own.
func staged(t *testing.T, o run.Options, tune func(*run.Spec)) checker.Verdict {
	t.Helper()
	spec := clientSpec(1)
	if tune != nil {
		tune(&spec)
	}
	o.Store, o.Tool = t.TempDir(), "test"
	res, err := run.Run(t.Context(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	return res.Verdict
}

// again judges a saved run.
func again(t *testing.T, path string, o checker.Options) checker.Verdict {
	t.Helper()
	v, err := run.CheckFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// damaged judges the lines of the run's history after something happened to them.
func damaged(t *testing.T, sound run.Result, do func(lines [][]byte) [][]byte) checker.Verdict {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sound.Dir, histories.HistoryFile))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), histories.HistoryFile)
	if err := os.WriteFile(path, bytes.Join(do(bytes.Split(b, []byte("\n"))), []byte("\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	return again(t, path, checker.Options{MinAcked: 5})
}

// strangerAtTheLinks runs behind a Toxiproxy of somebody else's, who slows one of
// the links down for good as soon as it is there.
func strangerAtTheLinks(t *testing.T) checker.Verdict {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	web := httptest.NewServer(server.Routes())
	t.Cleanup(func() {
		web.Close()
		if err := server.Collection.Clear(); err != nil {
			t.Error(err)
		}
	})
	ended, added := make(chan struct{}), make(chan bool, 1)
	go func() {
		for api := tc.NewClient(web.URL); ; {
			if p, err := api.Proxy("ackproof-n1"); err == nil {
				if _, err = p.AddToxic("stranger", "latency", "downstream", 1, tc.Attributes{"latency": 1}); err == nil {
					added <- true
					return
				}
			}
			select {
			case <-ended:
				added <- false
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	v := staged(t, run.Options{}, func(s *run.Spec) { s.Toxiproxy = web.URL })
	close(ended)
	if !<-added {
		t.Fatal("the run was over before the stranger came")
	}
	return v
}
