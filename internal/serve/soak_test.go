package serve

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/soak"
)

// aSoak puts a soak of three rounds into the store, with markup in every text
// that a broker or a file may say.
func aSoak(t testing.TB, store string) string {
	t.Helper()
	const name = "night-20260109T000000Z"
	finished(t, store, name+"/20260109T000000.000Z", 11, checker.Valid)
	finished(t, store, name+"/20260109T000500.000Z", 12, checker.Invalid, checker.LostWrite)
	f := soak.File{
		Format: soak.Format, Seed: 10, Specs: []run.Spec{run.Default()}, Limit: run.Duration(time.Hour), Elapsed: run.Duration(20 * time.Minute),
		Sessions: 2, Ended: "round 2 convicted",
		Rounds: []soak.Round{
			{N: 1, Seed: 11, Dir: "20260109T000000.000Z", Valid: checker.Valid, Kept: soak.KeptEssence, Ops: 1234567, Rate: 4096, Acked: 500,
				Usage: &soak.Usage{Anon: 77_700_000, Goroutines: 61, FDs: 37}},
			{N: 2, Seed: 12, Dir: "20260109T000500.000Z", Valid: checker.Invalid, Kinds: []checker.Kind{checker.LostWrite}, Kept: soak.KeptAll, Scenario: planted},
			{N: 3, Seed: 13, Dir: "20260109T001000.000Z", Valid: checker.Unknown, Kept: soak.KeptAll, Why: planted, Error: planted},
		},
		Cut: []soak.Round{{N: 3, Dir: planted, Error: planted}},
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, name+"/"+soak.FileName, b)
	put(t, store, "torn-20260110T000000Z/"+soak.FileName, b[:len(b)/2])
	return name
}

// A soak's rounds with their figures and links, chosen by verdict and kind; one
// that cannot be read is listed with its reason.
func TestSoak(t *testing.T) {
	store := aStore(t)
	name := aSoak(t, store)
	ts := start(t, store)
	code, list, _ := get(t, ts.URL+"/")
	for _, want := range []string{`href="/soak/` + name + `"`, `href="/soak/torn-20260110T000000Z"`, "soak.json: unexpected end of JSON input"} {
		if code != http.StatusOK || !strings.Contains(list, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	code, page, _ := get(t, ts.URL+"/soak/"+name)
	for _, want := range []string{
		"3 rounds: 1 valid, 1 invalid, 1 unknown; round 2 convicted", "20m0s of 1h0m0s in 2 sessions", "77.7", "<td class=\"n\">61</td>", "<td class=\"n\">37</td>",
		`href="/run/` + name + `/20260109T000500.000Z"`, "lost-write",
	} {
		if code != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, planted) {
		t.Error("markup is not escaped")
	}
	if strings.Contains(page, `href="/run/`+name+`/20260109T001000.000Z"`) {
		t.Error("a directory that is gone is linked")
	}
	for query, rows := range map[string]int{"": 3, "?verdict=valid": 1, "?kind=lost-write": 1, "?verdict=valid&kind=lost-write": 0} {
		_, page, _ := get(t, ts.URL+"/soak/"+name+query)
		if n := strings.Count(page, `<th scope="row" class="n">`); n != rows {
			t.Errorf("%s shows %d rounds, want %d", query, n, rows)
		}
	}
	if _, torn, _ := get(t, ts.URL+"/soak/torn-20260110T000000Z"); !strings.Contains(torn, "broken") {
		t.Error("the page of a broken soak does not say so")
	}
	if _, round, _ := get(t, ts.URL+"/run/"+name+"/20260109T000500.000Z"); !strings.Contains(round, `href="/soak/`+name+`"`) {
		t.Error("a round does not lead to its soak")
	}
	for _, bad := range []string{"a", "nothing", "../x", ".hidden", name + "/soak.json"} {
		if code, _, _ := get(t, ts.URL+"/soak/"+bad); code != http.StatusNotFound {
			t.Errorf("/soak/%s: %d", bad, code)
		}
	}
}
