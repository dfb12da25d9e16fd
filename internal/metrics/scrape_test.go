package metrics

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const page = `# HELP produce_total requests
# TYPE produce_total counter
produce_total{result="ok",topic="a"} 17
produce_total{result="ok",topic="b"} 3
produce_total{result="error",topic="a"} 2
# TYPE leaders gauge
leaders 4
# TYPE wait histogram
wait_bucket{le="1"} 1
wait_bucket{le="+Inf"} 3
wait_sum 12
wait_count 3
`

func TestScrape(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	defer srv.Close()
	n := Node{Name: "n1", URL: srv.URL}
	for name, series := range map[string]string{
		"produced":       `produce_total{result="ok"}`,
		"errors":         `produce_total{result="error"}`,
		"refused":        `produce_total{result="refused"}`, // none yet, but the metric counts them
		"of a and wrong": `produce_total{result="error",topic="a"}`,
		"leaders":        "leaders",
		"waits":          "wait",
		"elections":      "elections_total",       // there is none
		"by zone":        `leaders{zone="north"}`, // the metric knows no zones
	} {
		s, err := ParseSeries(series)
		if err != nil {
			t.Fatal(err)
		}
		n.Maps = append(n.Maps, Mapping{name, s})
	}
	got, err := n.Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"produced": 20, "errors": 2, "refused": 0, "of a and wrong": 2, "leaders": 4, "waits": 3}
	if !maps.Equal(got.Values, want) {
		t.Errorf("values %v, want %v", got.Values, want)
	}
	slices.Sort(got.Missing)
	if strings.Join(got.Missing, ", ") != `by zone (leaders{zone="north"}), elections (elections_total)` {
		t.Errorf("missing %q", got.Missing)
	}
	if got.All[`produce_total{result="ok",topic="b"}`] != 3 || got.All["wait_sum"] != 12 || got.All["leaders"] != 4 {
		t.Errorf("all series: %v", got.All)
	}
}

func TestScrapeOfWhatIsNoMetrics(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/html" {
			fmt.Fprint(w, "<html>hello</html>")
			return
		}
		http.Error(w, "no", http.StatusNotFound)
	}))
	defer srv.Close()
	for _, tt := range []struct{ url, want string }{
		{srv.URL + "/html", "not Prometheus' text format"},
		{srv.URL + "/gone", "404"},
		{"http://127.0.0.1:1/metrics", "refused"},
	} {
		_, err := Node{Name: "n1", URL: tt.url}.Scrape(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "n1") {
			t.Errorf("%s: %v, want %q and the node", tt.url, err, tt.want)
		}
	}
}

func TestParseSeries(t *testing.T) {
	for _, s := range []string{"up", `produce_total{result="error"}`, `x{a="1",b="two"}`} {
		got, err := ParseSeries(s)
		if err != nil || got.String() != s {
			t.Errorf("%s reads back as %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "{}", `x{a=1}`, `x{a="1"`, `x y`, `x{="1"}`} {
		if got, err := ParseSeries(s); err == nil {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
}
