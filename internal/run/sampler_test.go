package run

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// TestSamplesStandInTheHistory runs beside a node that serves metrics: those it
// has are in the history and by phase in the statistics, one that it does not
// have is said to be missing and is never 0.
func TestSamplesStandInTheHistory(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "elections_total 7\nproduce_total{result=\"error\"} 2\nproduce_total{result=\"ok\"} 5\n")
	}))
	defer srv.Close()
	spec := Default()
	spec.Nemesis = []string{"none"}
	spec.TimeLimit, spec.Calm, spec.Rate = Duration(time.Second), Duration(0), 2000
	spec.Metrics = []string{"n2=" + srv.URL}
	spec.MetricNames = []string{"elections=elections_total", `produce_errors=produce_total{result="error"}`, "ghosts=ghosts_total"}
	res, err := Run(t.Context(), spec, Options{Store: t.TempDir(), Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var stats checker.Stats
	if err := json.Unmarshal(res.Verdict.Stats, &stats); err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(stats.Metrics, func(m checker.MetricSpan) bool { return m.Name == name && m.Node == "n2" })
	}
	if !has("elections") || !has("produce_errors") || has("ghosts") {
		t.Errorf("metrics by phase: %+v", stats.Metrics)
	}
	if !slices.ContainsFunc(stats.Unmeasured, func(s string) bool { return strings.Contains(s, "ghosts (ghosts_total)") }) {
		t.Errorf("the missing metric is not named: %q", stats.Unmeasured)
	}
	if len(stats.Cluster) == 0 || stats.Cluster[0].Looks == 0 || stats.Cluster[0].Unanswered > 0 {
		t.Errorf("what the brokers said: %+v", stats.Cluster)
	}
	b, err := os.ReadFile(filepath.Join(res.Dir, histories.MetricsFile))
	if err != nil || !strings.Contains(string(b), `"produce_total{result=\"ok\"}":5`) {
		t.Errorf("the full samples: %s, %v", b, err)
	}
}

func TestBadMetricsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		metrics, names, want string
	}{
		{"n1", "", "want NODE=URL"},
		{"n1=ftp://x", "", "want NODE=URL"},
		{"n9=http://x", "", "n9"},
		{"", "elections", "want NAME=SERIES"},
		{"", "=up", "want NAME=SERIES"},
	} {
		spec := Default()
		if tt.metrics != "" {
			spec.Metrics = []string{tt.metrics}
		}
		if tt.names != "" {
			spec.MetricNames = []string{tt.names}
		}
		if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q: %v, want %q", tt.metrics, tt.names, err, tt.want)
		}
	}
}
