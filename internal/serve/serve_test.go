package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/page"
)

// planted is markup that does something wherever it is not escaped.
const planted = `<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>`

func put(t testing.TB, store, name string, content []byte) {
	t.Helper()
	path := filepath.Join(store, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func specOf(target, workload, scenario string, seed uint64) []byte {
	b, _ := json.Marshal(map[string]any{"format": 1, "target": target, "workload": workload, "scenario": scenario, "seed": seed})
	return b
}

// finished saves a judged run with its page.
func finished(t testing.TB, store, id string, seed uint64, valid checker.Validity, kinds ...checker.Kind) {
	t.Helper()
	h := histtest.Valid(histtest.Options{Seed: seed, Ops: 300})
	g := page.NewGather(h.Header)
	j := checker.NewJudge(h.Header, true, checker.Options{Also: []checker.Pass{g}, MinAcked: -1})
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	v := j.Finish()
	v.Valid = valid
	for _, k := range kinds {
		v.Anomalies = append(v.Anomalies, checker.Anomaly{Kind: k, Count: 3, Examples: []checker.Example{}, Follows: []checker.Follow{}})
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, id+"/verdict.json", append(b, '\n'))
	put(t, store, id+"/spec.json", specOf("embedded", "log", "", seed))
	put(t, store, id+"/summary.txt", []byte("verdict: "+valid.String()+" "+planted+"\n"))
	var report bytes.Buffer
	if err := page.Write(&report, page.Run{Title: id, Header: h.Header, Verdict: v}, g.Snapshot()); err != nil {
		t.Fatal(err)
	}
	put(t, store, id+"/report.html", report.Bytes())
}

// underway saves what a run has written while it lasts.
func underway(t testing.TB, store, id string, ok int64) {
	t.Helper()
	put(t, store, id+"/spec.json", specOf("embedded", "log", "", 9))
	g := page.NewGather(histories.Header{Logs: []histories.Log{{Key: 0, Topic: planted}}})
	for i := range ok {
		op := histories.Op{Process: i, F: histories.Send, Time: time.Duration(i) * time.Millisecond}
		op.AddSend(0, i)
		g.Observe(&op)
		op.Type, op.Mops[0].Offset = histories.OK, i
		g.Observe(&op)
	}
	b, err := json.Marshal(page.Live{Format: page.DataFormat, State: page.Running, Phase: "faults", OK: ok, Active: planted,
		Found: []page.Found{{Kind: string(checker.LostWrite), Count: 2}}, Data: g.Snapshot()})
	if err != nil {
		t.Fatal(err)
	}
	// In one step, as the run does it.
	put(t, store, id+"/live.json.tmp", b)
	if err := os.Rename(filepath.Join(store, id, "live.json.tmp"), filepath.Join(store, id, "live.json")); err != nil {
		t.Fatal(err)
	}
}

// aStore has a run of every state.
func aStore(t testing.TB) string {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	finished(t, store, "a/20260101T000000.000Z", 1, checker.Valid)
	finished(t, store, "a/20260104T000000.000Z", 1, checker.Invalid, checker.LostWrite)
	finished(t, store, "b/20260102T000000.000Z", 2, checker.Unknown)
	put(t, store, "b/20260103T000000.000Z/spec.json", specOf(planted, planted, planted, 3))
	put(t, store, "b/20260103T000000.000Z/"+strings.ReplaceAll(planted, "/", "_")+".txt", []byte(planted))
	put(t, store, "b/20260105T000000.000Z/spec.json", []byte("{ not json"))
	put(t, store, "b/20260106T000000.000Z/log.txt", nil)
	put(t, store, "b/20260107T000000.000Z/spec.json", specOf("embedded", "log", "", 4))
	put(t, store, "b/20260107T000000.000Z/verdict.json", []byte(`{"format":1,"valid":true,"judged":{"ops":1},"anom`))
	underway(t, store, "c/20260108T000000.000Z", 100)
	if err := os.Symlink("a/20260101T000000.000Z", filepath.Join(store, "latest")); err != nil {
		t.Fatal(err)
	}
	return store
}

func start(t testing.TB, store string) *httptest.Server {
	t.Helper()
	s, err := New(store)
	if err != nil {
		t.Fatal(err)
	}
	s.loopback = true
	ts := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		ts.CloseClientConnections()
		ts.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return ts
}

func get(t testing.TB, url string) (int, string, http.Header) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// The list has every run, newest first, and says what is wrong with the broken.
func TestList(t *testing.T) {
	ts := start(t, aStore(t))
	code, text, _ := get(t, ts.URL+"/")
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	at := -1
	for _, id := range []string{"c/20260108", "b/20260107", "b/20260106", "b/20260105", "a/20260104", "b/20260103", "b/20260102", "a/20260101"} {
		i := strings.Index(text, "/run/"+id)
		if i <= at {
			t.Errorf("%s stands at %d, after %d", id, i, at)
		}
		at = i
	}
	for _, want := range []string{"it breaks off", "spec.json: it is not there", "spec.json: invalid character", "/live/c/20260108", `class="chip unfinished"`, `class="chip running"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if strings.Contains(text, "<img") || strings.Count(text, "<script") != 1 {
		t.Error("planted markup stands in the list")
	}
}

func TestFilters(t *testing.T) {
	ts := start(t, aStore(t))
	for query, want := range map[string]int{
		"": 8, "verdict=valid": 1, "verdict=broken": 3, "verdict=running": 1, "kind=lost-write": 1, "workload=log": 5, "target=embedded&verdict=invalid": 1,
		"q=20260103": 1, "verdict=nothing": 0, "page=7": 8, "page=-1": 8, "page=x": 8,
	} {
		_, text, _ := get(t, ts.URL+"/?"+query)
		if have := strings.Count(text, `<th scope="row"><a href="/run/`); have != want {
			t.Errorf("?%s lists %d runs, want %d", query, have, want)
		}
	}
}

// Every run has a page, with its files; a broken one, too.
func TestRunPages(t *testing.T) {
	ts := start(t, aStore(t))
	for _, id := range []string{"a/20260101T000000.000Z", "a/20260104T000000.000Z", "b/20260103T000000.000Z", "b/20260105T000000.000Z", "c/20260108T000000.000Z"} {
		code, text, _ := get(t, ts.URL+"/run/"+id)
		if code != http.StatusOK || !strings.Contains(text, "/files/"+id+"/spec.json") {
			t.Errorf("%s: %d", id, code)
		}
		if strings.Contains(text, "<img") || strings.Count(text, "<script") != 1 {
			t.Errorf("%s: planted markup stands in the page", id)
		}
	}
	code, text, h := get(t, ts.URL+"/files/a/20260101T000000.000Z/report.html")
	if code != http.StatusOK || !strings.Contains(text, "data-mode=\"report\"") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox allow-scripts") {
		t.Errorf("report: %d, policy %q", code, h.Get("Content-Security-Policy"))
	}
	code, text, h = get(t, ts.URL+"/files/a/20260101T000000.000Z/summary.txt")
	if code != http.StatusOK || !strings.Contains(text, planted) || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("summary: %d, %v", code, h)
	}
}

// Nothing outside of the store is shown, however it is asked for.
func TestNoPathOutside(t *testing.T) {
	store := aStore(t)
	secret := filepath.Join(filepath.Dir(store), "secret.txt")
	if err := os.WriteFile(secret, []byte("the secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"out.txt": secret, "up.txt": "../../../secret.txt", "dir": filepath.Dir(store)} {
		if err := os.Symlink(to, filepath.Join(store, "a/20260101T000000.000Z", link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(store), filepath.Join(store, "a", "linked")); err != nil {
		t.Fatal(err)
	}
	ts := start(t, store)
	host := strings.TrimPrefix(ts.URL, "http://")
	run := "a/20260101T000000.000Z"
	for _, path := range []string{
		"/files/" + run + "/out.txt", "/files/" + run + "/up.txt", "/files/" + run + "/dir/secret.txt", "/files/a/linked/secret.txt",
		"/files/" + run + "/../../../secret.txt", "/files/" + run + "/%2e%2e/%2e%2e/%2e%2e/secret.txt", "/files/" + run + "/..%2f..%2f..%2fsecret.txt",
		"/files/../secret.txt", "/files/%2e%2e/secret.txt", "/files//etc/passwd", "/files/" + run + "/%00", "/files/" + run + "/..\\..\\..\\secret.txt",
		"/files/" + run, "/files/a/" + "../../secret.txt", "/run/..", "/run/%2e%2e/x", "/run/a/linked", "/live/../..", "/events/a%2f..", "/compare?a=../..&b=../..",
	} {
		// A client would tidy the path up: it is sent as it is.
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
		b, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		if status, _, _ := strings.Cut(string(b), "\r\n"); strings.Contains(status, " 200 ") || bytes.Contains(b, []byte("the secret")) || bytes.Contains(b, []byte("root:x:")) {
			t.Errorf("%s: %s", path, status)
		}
	}
}

// Whoever is not on this machine, or wants to write, is refused.
func TestGuard(t *testing.T) {
	ts := start(t, aStore(t))
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		req, _ := http.NewRequest(method, ts.URL+"/files/a/20260101T000000.000Z/spec.json", strings.NewReader("x"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, res.Status)
		}
	}
	req, _ := http.NewRequest("GET", ts.URL+"/", nil)
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a request for another host: %s", res.Status)
	}
}

func TestCompare(t *testing.T) {
	ts := start(t, aStore(t))
	code, text, _ := get(t, ts.URL+"/compare?a=a/20260101T000000.000Z&b=a/20260104T000000.000Z")
	if code != http.StatusOK || strings.Contains(text, "Their seeds differ") || !strings.Contains(text, "lost-write") {
		t.Errorf("%d", code)
	}
	if _, text, _ = get(t, ts.URL+"/compare?a=a/20260101T000000.000Z&b=b/20260102T000000.000Z"); !strings.Contains(text, "Their seeds differ") {
		t.Error("two seeds, and nothing said")
	}
	code, text, _ = get(t, ts.URL+"/compare?a=a/20260101T000000.000Z&b=c/20260108T000000.000Z")
	if code != http.StatusNotFound || !strings.Contains(text, "cannot be compared") {
		t.Errorf("a run without a verdict: %d", code)
	}
}

// A port in use is said to be, and by whom.
func TestPortInUse(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(l.Addr().String())
	if err == nil {
		t.Fatal("no error")
	}
	if owner(l.Addr().String()) != "" && !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("%v does not name process %d", err, os.Getpid())
	}
}

// Five thousand runs; the first listing reads every verdict, the next ones none.
func BenchmarkList(b *testing.B) {
	store := filepath.Join(b.TempDir(), "store")
	finished(b, store, "a/first", 1, checker.Valid)
	verdict, err := os.ReadFile(filepath.Join(store, "a/first/verdict.json"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 5000 {
		id := fmt.Sprintf("soak/2026%06dT000000.000Z", i)
		put(b, store, id+"/spec.json", specOf("embedded", "log", "", uint64(i)))
		put(b, store, id+"/verdict.json", verdict)
	}
	for name, fresh := range map[string]bool{"first": true, "again": false} {
		b.Run(name, func(b *testing.B) {
			ts := start(b, store)
			if !fresh {
				get(b, ts.URL+"/")
			}
			for b.Loop() {
				if fresh {
					b.StopTimer()
					ts = start(b, store)
					b.StartTimer()
				}
				get(b, ts.URL+"/")
			}
		})
	}
}
