package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
)

// ran is what a finished command left.
type ran struct {
	code           int
	stdout, stderr string
	store          string
}

// runShort makes a short run and waits for its end.
func runShort(t *testing.T, flags ...string) ran {
	t.Helper()
	r := ran{store: filepath.Join(t.TempDir(), "store")}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("ackproof", append(append(append([]string{}, shortRun...), "--quiet", "--store", r.store), flags...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	r.code, r.stdout, r.stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	return r
}

// foreignToxiproxy is a server of somebody else's, with a proxy of theirs.
func foreignToxiproxy(t *testing.T) (url string, api *tc.Client) {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	web := httptest.NewServer(server.Routes())
	t.Cleanup(func() {
		web.Close()
		if err := server.Collection.Clear(); err != nil {
			t.Error(err)
		}
	})
	api = tc.NewClient(web.URL)
	if _, err := api.CreateProxy("theirs", "127.0.0.1:0", "127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	return web.URL, api
}

// proxies lists the proxies of a server.
func proxies(t *testing.T, api *tc.Client) (names []string) {
	t.Helper()
	all, err := api.Proxies()
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		names = append(names, name)
	}
	return names
}

// A Toxiproxy server that somebody else runs is used and left as it was found.
func TestForeignToxiproxy(t *testing.T) {
	t.Parallel()
	url, api := foreignToxiproxy(t)
	r := runShort(t, "--toxiproxy", url, "--nemesis", "latency,blackhole,down,stall", "--time-limit", "8s", "--seed", "2")
	if r.code != exitValid {
		t.Errorf("exit code %d: %s\n%s", r.code, r.stderr, r.stdout)
	}
	s, err := run.Load(filepath.Join(r.store, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Verdict.Faults) == 0 {
		t.Error("no fault acted")
	}
	for _, f := range s.Verdict.Faults {
		if f.Healed != checker.Valid {
			t.Errorf("%s on %v: healed %v: %s", f.Fault, f.On, f.Healed, f.Why)
		}
	}
	if left := proxies(t, api); len(left) != 1 || left[0] != "theirs" {
		t.Errorf("the server has the proxies %q, want theirs alone", left)
	}
}

// What another run left behind is not touched unless that is asked for; what
// only our own server can do is refused on another.
func TestForeignToxiproxyRefuses(t *testing.T) {
	t.Parallel()
	url, api := foreignToxiproxy(t)
	if _, err := api.CreateProxy("ackproof-n1", "127.0.0.1:0", "127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	r := runShort(t, "--toxiproxy", url, "--nemesis", "none")
	if r.code != exitInternal || !strings.Contains(r.stderr, "pass --reset to remove them") {
		t.Errorf("left-over proxy: exit code %d: %s", r.code, r.stderr)
	}
	r = runShort(t, "--toxiproxy", url, "--nemesis", "none", "--reset")
	if r.code != exitValid {
		t.Errorf("--reset: exit code %d: %s\n%s", r.code, r.stderr, r.stdout)
	}
	r = runShort(t, "--toxiproxy", url, "--nemesis", "retransmit")
	if r.code != exitUsage || !strings.Contains(r.stderr, "retransmit") {
		t.Errorf("retransmit: exit code %d: %s", r.code, r.stderr)
	}
	if left := proxies(t, api); len(left) != 1 || left[0] != "theirs" {
		t.Errorf("the server has the proxies %q, want theirs alone", left)
	}
}

// A toxic that somebody adds while the run lasts makes unknown: what it did is
// in nobody's plan.
func TestForeignToxicMakesUnknown(t *testing.T) {
	t.Parallel()
	url, api := foreignToxiproxy(t)
	done := make(chan ran, 1)
	go func() { done <- runShort(t, "--toxiproxy", url, "--nemesis", "none", "--time-limit", "3s") }()
	add := func() bool {
		p, err := api.Proxy("ackproof-n1")
		if err != nil {
			return false
		}
		_, err = p.AddToxic("stranger", "latency", "downstream", 1, tc.Attributes{"latency": 1})
		return err == nil
	}
	for !add() {
		select {
		case r := <-done:
			t.Fatalf("the run ended with %d before its proxies were there: %s", r.code, r.stderr)
		default:
		}
	}
	r := <-done
	if r.code != exitUnknown || !strings.Contains(r.stdout, "heal-did-not-hold") || !strings.Contains(r.stdout, "stranger") {
		t.Errorf("exit code %d: %s\n%s", r.code, r.stderr, r.stdout)
	}
}

// externalCluster is a cluster that somebody else runs.
func externalCluster(t *testing.T) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, "external:" + strings.Join(c.ListenAddrs(), ",")
}

// On an external cluster nothing is broken unless that is asked for, and the
// run's topics are gone after a valid verdict.
func TestExternalCluster(t *testing.T) {
	t.Parallel()
	c, target := externalCluster(t)
	r := runShort(t, "--target", target)
	if r.code != exitValid || strings.Contains(r.stdout, "\nfault ") {
		t.Errorf("exit code %d: %s\n%s", r.code, r.stderr, r.stdout)
	}
	r = runShort(t, "--target", target, "--min-acked", "1000000")
	if r.code != exitUnknown {
		t.Errorf("too little work: exit code %d: %s", r.code, r.stderr)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if names := topics.Names(); len(names) != 1 || !strings.HasPrefix(names[0], "ackproof-") {
		t.Errorf("the cluster has the topics %q, want those of the run that is not valid", names)
	}
}

// A cluster that refuses our topics ends the run before it begins.
func TestExternalClusterRefusesTopics(t *testing.T) {
	t.Parallel()
	c, target := externalCluster(t)
	c.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r := req.(*kmsg.CreateTopicsRequest)
		resp := r.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, t := range r.Topics {
			st := kmsg.NewCreateTopicsResponseTopic()
			st.Topic, st.ErrorCode = t.Topic, kerr.TopicAuthorizationFailed.Code
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	r := runShort(t, "--target", target)
	if r.code != exitInternal || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "TOPIC_AUTHORIZATION_FAILED") {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	if r.stdout != "" {
		t.Errorf("a run that did not happen says: %s", r.stdout)
	}
}

// TestNothingIsLeftOnAForeignToxiproxy ends runs while a fault acts, by Ctrl-C
// and by kill -9: their own proxies are gone, and those of somebody else's that
// they used stand there again, clean.
func TestNothingIsLeftOnAForeignToxiproxy(t *testing.T) {
	t.Parallel()
	for _, how := range []os.Signal{os.Interrupt, os.Kill} {
		for _, adopt := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, adopted %v", how, adopt), func(t *testing.T) {
				t.Parallel()
				url, api := foreignToxiproxy(t)
				plan := filepath.Join(t.TempDir(), "plan.json")
				events := `[{"at":"300ms","for":"8m","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":100,"jitter_ms":0}}]`
				if err := os.WriteFile(plan, []byte(events), 0o644); err != nil {
					t.Fatal(err)
				}
				flags := []string{"--toxiproxy", url, "--plan", plan}
				name, want := "ackproof-n1", []string{"theirs"}
				if adopt {
					c, target := externalCluster(t)
					p, err := api.CreateProxy("used", "127.0.0.1:0", c.ListenAddrs()[0])
					if err != nil {
						t.Fatal(err)
					}
					file := filepath.Join(t.TempDir(), "proxies.yaml")
					text := fmt.Sprintf("proxies:\n  - {name: used, listen: %q, upstream: %q, carries: kafka}\n", p.Listen, p.Upstream)
					if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
					flags = append(flags, "--target", target, "--proxies", file)
					name, want = "used", []string{"theirs", "used"}
				}
				u := start(t, nil, flags...)
				u.await(t, "latency n1")
				if p, err := api.Proxy(name); err != nil || len(p.ActiveToxics) == 0 {
					t.Errorf("no fault acts on %s: %+v, %v", name, p, err)
				}
				if err := u.Process.Signal(how); err != nil {
					t.Fatal(err)
				}
				u.exit(t, eventLimit)
				asBefore(t, api, want)
			})
		}
	}
}

// asBefore demands that the server comes to have these proxies alone, clean.
func asBefore(t *testing.T, api *tc.Client, want []string) {
	t.Helper()
	for end := time.Now().Add(eventLimit); ; time.Sleep(20 * time.Millisecond) {
		all, err := api.Proxies()
		if err != nil {
			t.Fatal(err)
		}
		dirty := len(all) != len(want)
		for _, name := range want {
			p := all[name]
			dirty = dirty || p == nil || !p.Enabled || len(p.ActiveToxics) > 0
		}
		if !dirty {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the server has %+v, want %q, clean", all, want)
		}
	}
}
