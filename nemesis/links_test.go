package nemesis

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"

	"github.com/ackproof/ackproof/histories"
)

// foreign starts a Toxiproxy server that is not the links' own.
func foreign(t *testing.T) (url string, api *tc.Client) {
	t.Helper()
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	web := httptest.NewServer(srv.Routes())
	t.Cleanup(func() {
		srv.Collection.Clear()
		web.Close()
	})
	return web.URL, tc.NewClient(web.URL)
}

func TestForeignFaultsBiteAndHeal(t *testing.T) {
	url, api := foreign(t)
	if _, err := api.CreateProxy("somebody", "127.0.0.1:0", echo(t)); err != nil {
		t.Fatal(err)
	}
	plan := slices.DeleteFunc(cases(), func(e Event) bool { return e.Fault == retransmit.Name })
	l := opened(t, LinkConfig{Nodes: brokers(t, len(plan)), Toxiproxy: url})
	h := run(t, l, plan)
	for _, e := range plan {
		switch bite := h.of(t, histories.Bite, e.ID); {
		case e.Fault == onewayRequest.Name:
			if bite.Held != nil || !strings.Contains(bite.Why, "cannot be shown") {
				t.Errorf("%v: held %v (%s), want not proven", e, bite.Held, bite.Why)
			}
		default:
			checkProven(t, h, e)
		}
	}
	if left, err := l.Leftovers(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if rest, err := api.Proxies(); err != nil || len(rest) != 1 || rest["somebody"] == nil {
		t.Errorf("after Close the server has %v, %v; want only somebody's proxy", rest, err)
	}
}

func TestForeignRefusesOwnServerFaults(t *testing.T) {
	url, _ := foreign(t)
	l := opened(t, LinkConfig{Nodes: brokers(t, 1), Toxiproxy: url})
	e := Event{Fault: "retransmit", On: []string{"n1"}, Direction: Both, Args: map[string]float64{"share": 0.2, "rto_ms": 50}}
	err := New(Config{World: World{Links: l}, Plan: Plan{e}}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--toxiproxy") {
		t.Errorf("error %v, want one that says what to do", err)
	}
}

func TestForeignLeftoversAreRefusedUnlessReset(t *testing.T) {
	url, api := foreign(t)
	if _, err := api.CreateProxy("ackproof-n1", "127.0.0.1:0", "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	cfg := LinkConfig{Nodes: brokers(t, 1), Toxiproxy: url}
	if _, err := OpenLinks(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "--reset") {
		t.Errorf("error %v, want a refusal that names --reset", err)
	}
	cfg.Reset = true
	opened(t, cfg)
	if p, err := api.Proxy("ackproof-n1"); err != nil || p.Upstream != cfg.Nodes[0].Addr {
		t.Errorf("after the reset the proxy is %+v, %v", p, err)
	}
}

func TestLeftoversOfOthers(t *testing.T) {
	for _, where := range []string{"own", "foreign"} {
		t.Run(where, func(t *testing.T) {
			cfg := LinkConfig{Nodes: brokers(t, 3)}
			if where == "foreign" {
				cfg.Toxiproxy, _ = foreign(t)
			}
			l := opened(t, cfg)
			api := tc.NewClient(l.srv.url)
			toxic, err := api.Proxy("ackproof-n1")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := toxic.AddToxic("theirs", "latency", Upstream, 1, tc.Attributes{"latency": 1}); err != nil {
				t.Fatal(err)
			}
			disabled, err := api.Proxy("ackproof-n2")
			if err != nil {
				t.Fatal(err)
			}
			if err := disabled.Disable(); err != nil {
				t.Fatal(err)
			}
			gone, err := api.Proxy("ackproof-n3")
			if err != nil {
				t.Fatal(err)
			}
			if err := gone.Delete(); err != nil {
				t.Fatal(err)
			}
			left, err := l.Leftovers(t.Context())
			if err != nil || len(left) != 3 {
				t.Fatalf("leftovers %q, %v; want three", left, err)
			}
			for i, part := range []string{"n1: toxic theirs", "n2: its proxy ackproof-n2 was disabled", "n3: its proxy ackproof-n3 was removed"} {
				if !strings.Contains(left[i], part) {
					t.Errorf("leftover %q does not say %q", left[i], part)
				}
			}
		})
	}
}

func TestDialRefusesWhatNoLinkLeadsTo(t *testing.T) {
	nodes := brokers(t, 2)
	l := opened(t, LinkConfig{Nodes: nodes[:1]})
	c, err := l.Dial(t.Context(), "tcp", nodes[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	if c.RemoteAddr().String() == nodes[0].Addr {
		t.Error("the dial went round the proxy")
	}
	c.Close()
	for range 2 {
		if _, err := l.Dial(t.Context(), "tcp", nodes[1].Addr); err == nil || !strings.Contains(err.Error(), nodes[1].Addr) {
			t.Errorf("error %v, want a refusal that names the address", err)
		}
	}
	if got := l.Unmapped(); !slices.Equal(got, []string{nodes[1].Addr}) {
		t.Errorf("unmapped %v, want %s once", got, nodes[1].Addr)
	}
}

func TestOpenLinksRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  LinkConfig
		says string
	}{
		{LinkConfig{}, "no nodes"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "nonsense"}}}, "host:port"},
		{LinkConfig{Nodes: []Node{{Name: "n/1", Addr: "h:1"}}}, "node name"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "h:1"}, {Name: "n2", Addr: "h:1"}}}, "twice"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "h:1"}, {Name: "n1", Addr: "h:2"}}}, "twice"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "h:1"}}, Prefix: "a b"}, "prefix"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "h:1"}}, Toxiproxy: "ftp://x"}, "http://HOST:PORT"},
		{LinkConfig{Nodes: []Node{{Name: "n1", Addr: "h:1"}}, Toxiproxy: "127.0.0.1:1"}, "Toxiproxy server running"},
	} {
		if _, err := OpenLinks(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: error %v, want one with %q", c.cfg, err, c.says)
		}
	}
}

// TestFailedHealRebuilds freezes the server's API while a proxy is down: the
// heal must notice, and build the link anew on another server.
func TestFailedHealRebuilds(t *testing.T) {
	nodes := brokers(t, 2)
	l := opened(t, LinkConfig{Nodes: nodes})
	f, _ := FindFault("down")
	heal, err := f.Inject(t.Context(), &World{Links: l}, Event{Fault: "down", On: []string{"n1"}})
	if err != nil {
		t.Fatal(err)
	}
	frozen := l.srv
	frozen.own.Collection.Lock()
	begin := time.Now()
	err = heal(t.Context())
	frozen.own.Collection.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > healLimit {
		t.Errorf("the heal took %v", d)
	}
	if l.links[0].srv == frozen {
		t.Error("the link is still on the frozen server")
	}
	h := run(t, l, Plan{{Fault: "blackhole", For: time.Second, On: []string{"n1", "n2"}}})
	checkProven(t, h, Event{})
}

// TestHealIsIdempotent heals what a cancelled walk left, and again.
func TestHealIsIdempotent(t *testing.T) {
	l := opened(t, LinkConfig{Nodes: brokers(t, 2)})
	f, _ := FindFault("stall")
	if _, err := f.Inject(t.Context(), &World{Links: l}, Event{Fault: "stall", On: []string{"n1", "n2"}, Direction: Both}); err != nil {
		t.Fatal(err)
	}
	h := &history{}
	n := New(Config{World: World{Links: l}, Record: h.record})
	for range 2 {
		if err := n.Heal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	e := h.of(t, histories.Healed, -1)
	if e.Held == nil || !*e.Held || len(e.Proof) != 2 || !satisfied(e.Proof) {
		t.Errorf("healed %+v, want a proof for each link", e)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestSeveralLinks shows that two sets of links in one process have their own switches.
func TestSeveralLinks(t *testing.T) {
	nodes := brokers(t, 1)
	a, b := opened(t, LinkConfig{Nodes: nodes}), opened(t, LinkConfig{Nodes: nodes})
	f, _ := FindFault("blackhole")
	if _, err := f.Inject(t.Context(), &World{Links: a}, Event{Fault: "blackhole", On: []string{"n1"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.links[0].roundTrip(t.Context(), patience); err != nil {
		t.Errorf("the other links: %v", err)
	}
	if _, _, err := a.links[0].roundTrip(t.Context(), silence); short(err) != "no answer" {
		t.Errorf("a black hole answers: %v", err)
	}
}
