package doctor

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/nemesis"
)

// lab is a cluster behind a Toxiproxy server with a proxy for each broker, as a
// healthy user has it.
type lab struct {
	brokers []string
	server  nemesis.Server
	api     *tc.Client
	top     nemesis.Topology
}

func newLab(t *testing.T) *lab {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s, err := nemesis.Serve("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	l := &lab{brokers: c.ListenAddrs(), server: s, api: tc.NewClient(s.URL()), top: nemesis.Topology{Name: "lab"}}
	for i, b := range l.brokers {
		l.top.Proxies = append(l.top.Proxies, nemesis.Proxy{
			Name: fmt.Sprintf("p%d", i+1), Listen: free(t), Upstream: b, Carries: nemesis.CarriesKafka,
		})
	}
	if _, err := s.Create(t.Context(), l.top.Proxies); err != nil {
		t.Fatal(err)
	}
	return l
}

// free is a port that is free now.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func (l *lab) config() Config {
	return Config{Target: "external:" + l.brokers[0], Brokers: l.brokers[:1], Toxiproxy: l.server.URL(), Topology: &l.top}
}

func (l *lab) proxy(t *testing.T, name string) *tc.Proxy {
	t.Helper()
	p, err := l.api.Proxy(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (l *lab) toxic(t *testing.T, proxy, kind string, toxicity float32, attrs tc.Attributes) {
	t.Helper()
	if _, err := l.proxy(t, proxy).AddToxic("t", kind, "downstream", toxicity, attrs); err != nil {
		t.Fatal(err)
	}
}

func TestAHealthyLabHasNoFindings(t *testing.T) {
	l := newLab(t)
	r := Examine(t.Context(), l.config())
	if len(r.Findings) > 0 {
		t.Errorf("findings: %+v", r.Findings)
	}
	notes := fmt.Sprint(r.Notes)
	for _, want := range []string{"all 3 proxies of lab are there and clean", "idempotent producers", "through p3 an answer takes", "are led through p2"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say %q: %s", want, notes)
		}
	}
}

// TestTroubles stages each trouble and wants it found by its check, by name.
func TestTroubles(t *testing.T) {
	for _, tt := range []struct {
		name, check, want string
		stage             func(t *testing.T, l *lab, cfg *Config)
	}{
		{"nobody listens", "ports", "nobody listens on port", func(t *testing.T, _ *lab, cfg *Config) {
			cfg.Toxiproxy = "http://" + free(t)
		}},
		{"the port is somebody else's", "server", fmt.Sprintf("(pid %d)", os.Getpid()), func(t *testing.T, _ *lab, cfg *Config) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ln.Close() })
			cfg.Toxiproxy = "http://" + ln.Addr().String()
		}},
		{"a proxy is missing", "proxies", "p2 is missing", func(t *testing.T, l *lab, _ *Config) {
			if err := l.proxy(t, "p2").Delete(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a proxy leads elsewhere", "proxies", "p1 leads from", func(_ *testing.T, l *lab, _ *Config) {
			l.top.Proxies[0].Upstream = "127.0.0.1:9"
		}},
		{"a proxy is disabled", "proxies", "p3 is disabled", func(t *testing.T, l *lab, _ *Config) {
			if err := l.proxy(t, "p3").Disable(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a toxic is left over", "proxies", "p1 has a left-over toxic: t (latency, downstream)", func(t *testing.T, l *lab, _ *Config) {
			l.toxic(t, "p1", "latency", 1, tc.Attributes{"latency": 100})
		}},
		{"the broker is down", "brokers", "no broker answers at", func(t *testing.T, _ *lab, cfg *Config) {
			cfg.Brokers = []string{free(t)}
		}},
		{"the broker cannot be reached through its proxy", "links", "no broker answers through dead", func(t *testing.T, l *lab, _ *Config) {
			l.top.Proxies = append(l.top.Proxies, nemesis.Proxy{Name: "dead", Listen: free(t), Upstream: free(t), Carries: nemesis.CarriesKafka})
			if _, err := l.server.Create(t.Context(), l.top.Proxies); err != nil {
				t.Fatal(err)
			}
		}},
		{"clients go round the proxies", "bypass", "where no proxy leads", func(t *testing.T, l *lab, _ *Config) {
			if err := l.proxy(t, "p2").Delete(); err != nil {
				t.Fatal(err)
			}
		}},
		{"the guide's packet loss does nothing", "toxics", "its latency is 0 ms", func(t *testing.T, l *lab, _ *Config) {
			l.toxic(t, "p1", "latency", 0.2, tc.Attributes{"latency": 0})
		}},
		{"a rate in kB/s taken for bytes", "toxics", "is in kB/s", func(t *testing.T, l *lab, _ *Config) {
			l.toxic(t, "p1", "bandwidth", 1, tc.Attributes{"rate": 1024 * 1024})
		}},
		{"a toxic that nobody gets", "toxics", "its toxicity is 0", func(t *testing.T, l *lab, _ *Config) {
			l.toxic(t, "p1", "latency", 0, tc.Attributes{"latency": 100})
		}},
		{"a proxy between nodes carries nothing", "raft", "carries nothing", func(t *testing.T, l *lab, _ *Config) {
			l.top.Proxies = append(l.top.Proxies, nemesis.Proxy{Name: "raft1", Listen: free(t), Upstream: l.brokers[0], Carries: nemesis.CarriesRaft})
			if _, err := l.server.Create(t.Context(), l.top.Proxies); err != nil {
				t.Fatal(err)
			}
		}},
		{"Java is missing", "tools", "java is not installed", func(t *testing.T, _ *lab, cfg *Config) {
			t.Setenv("PATH", t.TempDir())
			cfg.Target = "kafka"
		}},
		{"Java is too old", "tools", "is Java 11; install 17 or newer", func(t *testing.T, _ *lab, cfg *Config) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "java"), []byte("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			cfg.Target = "kafka"
		}},
		{"the broker's binary is missing", "tools", "no-such-chronik is not installed", func(t *testing.T, _ *lab, cfg *Config) {
			t.Setenv("CHRONIK_SERVER", "no-such-chronik")
			cfg.Target = "process:chronik"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			cfg := l.config()
			tt.stage(t, l, &cfg)
			r := Examine(t.Context(), cfg)
			for _, f := range r.Findings {
				if f.Check == tt.check && strings.Contains(f.Found, tt.want) {
					if f.Why == "" || f.Mend == "" {
						t.Errorf("the finding does not say why it matters and what mends it: %+v", f)
					}
					return
				}
			}
			t.Errorf("%s did not find %q: %+v", tt.check, tt.want, r.Findings)
		})
	}
}

// TestAnEffectIsNoFinding holds the check of toxics to its innocent twins.
func TestAnEffectIsNoFinding(t *testing.T) {
	l := newLab(t)
	l.toxic(t, "p1", "latency", 1, tc.Attributes{"latency": 60})
	l.toxic(t, "p2", "bandwidth", 1, tc.Attributes{"rate": 0})
	for _, f := range Examine(t.Context(), l.config()).Findings {
		if f.Check == "toxics" {
			t.Errorf("a toxic that acts: %+v", f)
		}
	}
}

// TestAProxyBetweenNodesThatIsUsed is the innocent twin of the idle one.
func TestAProxyBetweenNodesThatIsUsed(t *testing.T) {
	l := newLab(t)
	l.top.Proxies[0].Carries = nemesis.CarriesRaft
	c, err := net.Dial("tcp", l.top.Proxies[0].Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, f := range Examine(t.Context(), l.config()).Findings {
		if f.Check == "raft" {
			t.Errorf("a proxy with a connection: %+v", f)
		}
	}
}
