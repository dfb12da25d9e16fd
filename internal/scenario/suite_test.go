package scenario

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
)

// short is a scenario of seconds.
func short(t *testing.T, name string) *Scenario {
	t.Helper()
	s, err := Parse(name+".yaml", []byte("name: "+name+`
doc: A sentence.
spec: {topics: 1, partitions: 1, rate: 300, calm: 100ms, recovery: 100ms, quiet: 100ms, min_acked: 10}
steps:
  - {phase: baseline, acks: 50}
expect:
  - {name: works, kind: acked, phase: baseline, args: {at_least: 10}}
`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSuiteProvesTheClusterCleanBetween: a toxic that is on a link when a
// scenario has ended makes that one unknown, and the next one gets a new
// cluster. Each has topics of its own.
func TestSuiteProvesTheClusterCleanBetween(t *testing.T) {
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	web := httptest.NewServer(srv.Routes())
	t.Cleanup(func() {
		srv.Collection.Clear()
		web.Close()
	})
	api := tc.NewClient(web.URL)
	base := run.Default()
	base.Toxiproxy, base.Seed = web.URL, 5
	topics := map[string]bool{}
	out, err := RunSuite(t.Context(), []*Scenario{short(t, "soils"), short(t, "clean"), short(t, "again")}, SuiteOptions{
		Name: "mine", Base: base, Store: t.TempDir(),
		Options: func(s *Scenario) run.Options {
			o := run.Options{Store: t.TempDir(), Tool: "test"}
			o.Summary = func(_ io.Writer, r run.Result) { // the run has looked for leftovers already
				topics[r.Header.Logs[0].Topic] = true
				if s.Name != "soils" {
					return
				}
				p, err := api.Proxy("ackproof-n1")
				if err == nil {
					_, err = p.AddToxic("left", "latency", "downstream", 1, tc.Attributes{"latency": 1})
				}
				if err != nil {
					t.Error(err)
				}
			}
			return o
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 3 || len(topics) != 3 {
		t.Fatalf("%d outcomes on topics %v, want three and three", len(out), topics)
	}
	if o := out[0]; o.Result.Verdict.Valid != checker.Valid || o.Valid() != checker.Unknown || o.Err == nil || !strings.Contains(o.Err.Error(), "toxic left (latency, downstream)") {
		t.Errorf("the scenario that left a toxic is %v (%v)", o.Valid(), o.Err)
	}
	for _, o := range out[1:] {
		if o.Valid() != checker.Valid {
			t.Errorf("%s is %v: %v %+v", o.Scenario.Name, o.Valid(), o.Err, o.Result.Verdict.Unknown)
		}
	}
}
