package page

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// judged gathers and judges a history from one read.
func judged(t testing.TB, h histtest.History) (*Gather, checker.Verdict) {
	t.Helper()
	g := NewGather(h.Header)
	j := checker.NewJudge(h.Header, true, checker.Options{Also: []checker.Pass{g}})
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	return g, j.Finish()
}

// mutated is a small history that commits the named sin.
func mutated(t testing.TB, name string) histtest.History {
	t.Helper()
	for _, m := range histtest.Mutations {
		if m.Name == name {
			h, _, err := m.Apply(rand.New(rand.NewPCG(1, 2)), histtest.Valid(histtest.Options{Seed: 7}))
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
	}
	t.Fatalf("no mutation %q", name)
	return histtest.History{}
}

func saved(t testing.TB, h histtest.History, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := histories.FormatOf(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := h.Save(&b, f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// written is the page of a history.
func written(t testing.TB, h histtest.History, r Run) (string, checker.Verdict) {
	t.Helper()
	g, v := judged(t, h)
	var err error
	if r.Excerpts, err = Excerpts(saved(t, h, "history.jsonl"), h.Header, v); err != nil {
		t.Fatal(err)
	}
	r.Header, r.Verdict = h.Header, v
	if r.Title == "" {
		r.Title = "test/20260101T000000.000Z"
	}
	d := g.Snapshot()
	for _, x := range r.Excerpts {
		d.Timelines = append(d.Timelines, x.Timeline)
	}
	var b bytes.Buffer
	if err := Write(&b, r, d); err != nil {
		t.Fatal(err)
	}
	return b.String(), v
}

// known is a history that no generator can change: sends on two logs, a reader,
// a fault, a metric, half a second in each phase.
func known() *Gather {
	g := NewGather(histories.Header{Logs: []histories.Log{{Key: 0, Topic: "a", Partition: 0}, {Key: 1, Topic: "a", Partition: 1}}})
	event := func(at time.Duration, f histories.F, e histories.Event) {
		g.Observe(&histories.Op{Process: histories.Nemesis, Type: histories.Info, F: f, Time: at, Event: &e})
	}
	event(0, histories.Phase, histories.Event{ID: -1, Phase: histories.PhaseCalm})
	for i := range int64(100) {
		at := time.Duration(i) * 10 * time.Millisecond
		switch i {
		case 50:
			event(at, histories.Phase, histories.Event{ID: -1, Phase: histories.PhaseFaults})
			event(at, histories.Inject, histories.Event{ID: 0, Fault: "stall", On: []string{"n1", "n2"}})
		case 60:
			event(at, histories.Sample, histories.Event{ID: -1, Samples: []histories.NodeSample{{Node: "n1", Values: map[string]float64{"heap_bytes": 1234567}}}})
		case 80:
			event(at, histories.Healed, histories.Event{ID: 0})
			event(at, histories.Note, histories.Event{ID: -1, Why: "a remark"})
		}
		op := histories.Op{Process: i % 3, F: histories.Send, Time: at}
		if i%3 == 2 {
			op.F = histories.Poll
			op.AddPoll()
		} else {
			op.AddSend(i%2, i)
		}
		g.Observe(&op)
		op.Time, op.Type = at+time.Duration(i%7+1)*time.Millisecond, histories.OK
		switch {
		case op.F == histories.Poll:
			op.AddRun(0, histories.Rec{Offset: i / 4, Value: i})
		case i%20 == 0:
			op.Type = histories.Fail
		case i%20 == 10:
			op.Type = histories.Info
		default:
			op.Mops[0].Offset = i / 3
		}
		g.Observe(&op)
	}
	return g
}

// What is drawn of a known history is known. A change of these numbers is a
// change of what people see.
func TestGatherGolden(t *testing.T) {
	g := known()
	have, err := json.MarshalIndent(g.Snapshot(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "data.golden.json")
	if *update {
		if err := os.WriteFile(path, append(have, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), have) {
		t.Errorf("the data differ from %s; if that is meant: go test ./internal/page -run Golden -update", path)
	}
}

// The curves add up to the verdict's figures.
func TestDataAddUpToTheVerdict(t *testing.T) {
	g, v := judged(t, histtest.Valid(histtest.Options{Seed: 5, Ops: 5000}))
	var s checker.Stats
	if err := json.Unmarshal(v.Stats, &s); err != nil {
		t.Fatal(err)
	}
	var want checker.Outcomes
	for _, o := range s.Ops {
		want.OK, want.Fail, want.Info = want.OK+o.OK, want.Fail+o.Fail, want.Info+o.Info
	}
	d := g.Snapshot()
	if have := (checker.Outcomes{OK: sum(d.OK), Fail: sum(d.Fail), Info: sum(d.Info)}); have != want {
		t.Errorf("the curves add up to %+v, the verdict says %+v", have, want)
	}
	if have := sum(d.Acked); have != v.Judged.Acked {
		t.Errorf("%d acknowledged records are drawn, %d are judged", have, v.Judged.Acked)
	}
	acked := int64(0)
	for _, l := range d.Logs {
		acked += sum(l.Acked)
	}
	if acked != v.Judged.Acked {
		t.Errorf("the logs' curves end at %d acknowledged records, %d are judged", acked, v.Judged.Acked)
	}
	if d.Entries != v.Judged.Entries || len(d.Faults) != len(v.Faults) {
		t.Errorf("%d entries and %d faults are drawn, %d and %d judged", d.Entries, len(d.Faults), v.Judged.Entries, len(v.Faults))
	}
}

var shown = regexp.MustCompile(`data-n="([a-z_]+)">([^<]*)<`)

// The numbers on the page are those of verdict.json.
func TestPageSaysWhatTheVerdictSays(t *testing.T) {
	text, v := written(t, mutated(t, "lose"), Run{})
	b, err := json.Marshal(v.Judged)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]int64
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, m := range shown.FindAllStringSubmatch(text, -1) {
		n, ok := want[m[1]]
		if !ok {
			continue
		}
		seen++
		have, err := strconv.ParseInt(strings.ReplaceAll(m[2], "\u202f", ""), 10, 64)
		if err != nil || have != n {
			t.Errorf("%s is shown as %q, the verdict says %d", m[1], m[2], n)
		}
	}
	if seen < 7 {
		t.Errorf("only %d of the verdict's numbers are shown", seen)
	}
	for _, a := range v.Anomalies {
		if !strings.Contains(text, string(a.Kind)+` <span class="count">× `+Number(a.Count)) {
			t.Errorf("the page does not show %s × %d", a.Kind, a.Count)
		}
		if !strings.Contains(text, `data-timeline="t0-0"`) {
			t.Error("the page has no timeline of the first example")
		}
	}
	if !strings.Contains(text, `class="verdict invalid"`) {
		t.Error("the page does not say that the run is invalid")
	}
}

// The page carries its data whole, and they can be read back out of it.
func TestExtract(t *testing.T) {
	h := mutated(t, "two-values")
	text, _ := written(t, h, Run{})
	g, _ := judged(t, h)
	d, err := Extract(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Timelines) == 0 {
		t.Error("the timelines are missing")
	}
	d.Timelines = nil
	have, _ := json.Marshal(d)
	want, _ := json.Marshal(g.Snapshot())
	if !bytes.Equal(have, want) {
		t.Error("the data read back are not those written")
	}
	for name, bad := range map[string]string{
		"no page": "hello", "cut off": text[:strings.Index(text, dataBegin)+100],
		"another format": strings.Replace(text, `{"format":1,`, `{"format":99,`, 1),
	} {
		if _, err := Extract(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// planted is markup that does something wherever it is not escaped.
const planted = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=2">'"&<!--`

// plant puts markup wherever a broker or a file can put text.
func plant() histtest.History {
	h := histtest.Valid(histtest.Options{Seed: 7})
	h.Header.Name, h.Header.Target, h.Header.Workload, h.Header.Tool, h.Header.Started = planted, planted, planted, planted, planted
	for i := range h.Header.Logs {
		h.Header.Logs[i].Topic = planted
	}
	h.Header.Contract.Retention = planted
	n := 0
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Type == histories.Fail || op.Type == histories.Info {
			op.Error = planted
		}
		if e := op.Event; e != nil {
			c := *e
			c.Fault, c.Why, c.On = c.Fault+planted, planted, []string{planted}
			for range 1 {
				c.Samples = append(c.Samples, histories.NodeSample{Node: planted, Values: map[string]float64{planted: 1}})
			}
			op.Event = &c
		}
		if op.F == histories.Poll && op.Type == histories.OK && len(op.Recs) > 2 && n < 40 {
			// Wrong records with a cause that a payload may contain.
			for _, run := range op.Runs {
				op.Bad = append(op.Bad, histories.BadRec{Key: run.Key, Offset: op.Recs[run.From].Offset, Why: histories.BadChecksum, Detail: planted})
				n++
			}
		}
	}
	return h
}

func TestNothingFromOutsideBecomesMarkup(t *testing.T) {
	text, v := written(t, plant(), Run{Title: planted, Mutant: planted, Scenario: planted, Repeat: planted, Files: []string{planted, "javascript:alert(1)"}})
	if len(v.Anomalies) == 0 {
		t.Fatal("the planted history shows no anomaly: its texts were not tried")
	}
	for _, bad := range []string{"<script>window", "<img", "<!--", `href="javascript:`} {
		body := strings.Replace(text, Script, "", 1)
		if strings.Contains(body, bad) {
			t.Errorf("%q stands in the page", bad)
		}
	}
	if n := strings.Count(text, "pwned"); n < 20 {
		t.Errorf("the planted text is shown only %d times: it was not tried", n)
	}
	if n := strings.Count(text, "<script"); n != 2 {
		t.Errorf("the page has %d script elements, 2 are its own", n)
	}
}

// A verdict's links lead nowhere but into the run's directory.
func TestWindowLinksStayInside(t *testing.T) {
	for link, want := range map[string]bool{
		"windows/log-0.html": true, "windows/a b.html": true, "": false, "/etc/passwd": false, "../x.html": false,
		"windows/../../x": false, "javascript:alert(1)": false, "https://example.org/": false, "//example.org/x": false, `windows\x`: false,
	} {
		if have := localLink(link) != ""; have != want {
			t.Errorf("%q: linked %t, want %t", link, have, want)
		}
	}
}

// The page needs nothing from elsewhere, and its policy says so.
func TestPageIsSelfContained(t *testing.T) {
	text, _ := written(t, histtest.Valid(histtest.Options{Seed: 1}), Run{})
	page := strings.NewReplacer(Script, "", Style, "").Replace(text)
	for _, bad := range []string{"http://", "https://", "//cdn", "@import", "url(", "<link", " style=", " onclick="} {
		if strings.Contains(page, bad) {
			t.Errorf("%q stands in the page", bad)
		}
	}
	if strings.Contains(strings.ReplaceAll(Script, "http://www.w3.org/2000/svg", ""), "http://") || strings.Contains(Style, "url(") {
		t.Error("the script or the style names something elsewhere")
	}
	for _, want := range []string{"default-src &#39;none&#39;", "script-src &#39;sha256-", "style-src &#39;sha256-"} {
		if !strings.Contains(page, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
}

// A page of hours is no larger than one of minutes.
func TestPageOfTenMillionOperationsStaysSmall(t *testing.T) {
	h := histories.Header{Format: 1, Workers: 50}
	for k := range int64(200) {
		h.Logs = append(h.Logs, histories.Log{Key: k, Topic: "topic", Partition: int32(k)})
	}
	g := NewGather(h)
	op := histories.Op{}
	r := rand.New(rand.NewPCG(1, 1))
	const n = 200_000 // times fifty: the size depends on the buckets, not on them
	for i := range int64(n) {
		op.Reset()
		op.Process, op.F, op.Time, op.Index = i%50, histories.Send, time.Duration(i)*50*time.Millisecond, 2*i
		op.AddSend(i%200, i)
		g.Observe(&op)
		op.Type, op.Time, op.Index = histories.OK, op.Time+time.Duration(r.IntN(1e8)), 2*i+1
		op.Mops[0].Offset = i / 200
		g.Observe(&op)
	}
	var b bytes.Buffer
	if err := Write(&b, Run{Header: h}, g.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 2<<20 {
		t.Errorf("the page has %d bytes", b.Len())
	}
}
