package clusterfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `name: fake
nodes: 2
ports:
  kafka: {port: 9092}
  raft: {port: 5001, peers: true}
clients: kafka
vars: {word: 'w{{.id}}'}
files:
  - path: conf
    template: |
      id={{.id}}
      {{range .peers}}{{if not .self}}peer {{.id}} {{.addr.raft}} {{.client}}
      {{end}}{{end}}
command: [fake, "{{.vars.word}}", "{{.dir}}/conf", "{{.addr.kafka}}", '{{env "NO_SUCH_VARIABLE" "x"}}', "{{add 10 .id}}"]
env: {MODE: "m{{.nodes}}"}
segments: "{{.data}}/{{.topic}}-{{.partition}}/*.log"
`

func TestRender(t *testing.T) {
	f, err := Parse("f.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Render(Layout{Block: 80, Nodes: 2, Dir: "/c", ClusterID: "id", Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	n := r.Nodes[1]
	if got, want := strings.Join(n.Command, " "), "fake w2 /c/n2/conf 127.80.0.2:9092 x 12"; got != want {
		t.Errorf("command %q, want %q", got, want)
	}
	if got, want := n.Files[0].Text, "id=2\npeer 1 127.80.2.1:5001 127.80.100.1:9092\n\n"; got != want || n.Files[0].Path != "/c/n2/conf" {
		t.Errorf("%s: %q, want %q", n.Files[0].Path, got, want)
	}
	if n.Env[0] != "MODE=m2" || n.Advertised != "127.80.100.2:9092" || n.Upstream != "127.80.0.2:9092" || n.Listen != n.Advertised {
		t.Errorf("%+v", n)
	}
	want := []Route{
		{"n1", "n2", "raft", "127.80.1.2:5001", "127.80.0.2:5001"},
		{"n2", "n1", "raft", "127.80.2.1:5001", "127.80.0.1:5001"},
	}
	if len(r.Routes) != 2 || r.Routes[0] != want[0] || r.Routes[1] != want[1] {
		t.Errorf("routes %v", r.Routes)
	}
	p, err := n.SegmentFiles("t", 3)
	if err != nil || p.Segments != "/c/n2/data/t-3/*.log" {
		t.Errorf("%+v, %v", p, err)
	}
	direct, err := f.Render(Layout{Block: 80, Nodes: 2, Dir: "/c"})
	if err != nil || len(direct.Routes) != 0 || !strings.Contains(direct.Nodes[1].Files[0].Text, "127.80.0.1:5001") {
		t.Errorf("without proxies: %+v, %v", direct, err)
	}
}

// TestShipped reads what comes with ackproof, as is tested when it is started.
func TestShipped(t *testing.T) {
	for _, name := range append(Shipped(), kafka) {
		f, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.About == "" {
			t.Errorf("%s does not say what was tried", name)
		}
	}
	c, err := Load("chronik")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(Layout{Block: 77, Nodes: 3, Dir: "/c", Routed: true})
	if err != nil || len(r.Routes) != 12 {
		t.Errorf("%d routes, want 12 (raft and wal of each ordered pair); %v", len(r.Routes), err)
	}
	if toml := r.Nodes[0].Files[0].Text; !strings.Contains(toml, "id = 2\nkafka = \"127.77.100.2:9092\"\nwal = \"127.77.1.2:9291\"\nraft = \"127.77.1.2:5001\"") {
		t.Error(toml)
	}
	k, _ := Kafka()
	r, err = k.Render(Layout{Block: 77, Nodes: 3, Dir: "/c", Routed: true})
	if err != nil || len(r.Routes) != 12 {
		t.Errorf("%d routes, want 12; %v", len(r.Routes), err)
	}
	if hosts := r.Nodes[1].Files[0].Text; !strings.Contains(hosts, "127.77.2.1 k1.lab\n127.77.0.2 k2.lab\n127.77.2.3 k3.lab\n") {
		t.Error(hosts)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"nodes: 2", "nods: 2", `f.yaml line 2: nods: unknown field (did you mean "nodes"?)`},
		{"{{.dir}}/conf", "{{.dri}}/conf", `f.yaml line 14: command[2]: unknown variable "dri" (did you mean "dir"?); there are: addr, block`},
		{"{{.client}}", "{{.cleint}}", `f.yaml line 12: files[0].template: unknown variable "cleint" (did you mean "client"?)`},
		{"{{add 10 .id}}", "{{plus 10 .id}}", `f.yaml line 14: command[5]: unknown function "plus"; there are: add, env, min`},
		{"{{add 10 .id}}", "{{add 10 .id}", `f.yaml line 14: command[5]: bad character U+007D`},
		{"clients: kafka", "clients: kafak", `f.yaml: clients: "kafak" (did you mean "kafka"?): want the name of the port`},
		{"port: 5001", "port: 9092", `f.yaml: ports.raft.port: 9092 is the port of kafka already`},
		{"port: 5001", "port: 70000", `f.yaml: ports.raft.port: 70000: want 1 to 65535`},
		{"nodes: 2", "nodes: 12", `f.yaml: nodes: 12 nodes: want 1 to 9`},
		{"nodes: 2", "nodes: 2\nsizes: [1, 3]", `f.yaml: nodes: 2 nodes: fake runs with 1 3`},
		{"nodes: 2", "nodes: 2\nwarm: [group]", `f.yaml: warm[0]: "group" (did you mean "groups"?): want groups or transactions`},
		{"nodes: 2", "nodes: 2\nstop: {signal: TREM}", `f.yaml line 3: stop.signal: signal "TREM" (did you mean "TERM"?)`},
		{"nodes: 2", "nodes: 2\nready: {steps: [{tcp: kafka, brokers: true}]}", `f.yaml: ready.steps[0]: want exactly one of tcp, http, log, brokers`},
		{"nodes: 2", "nodes: 2\nready: {steps: [{tcp: http}]}", `f.yaml: ready.steps[0].tcp: no port "http"; there are: kafka, raft`},
		{"nodes: 2", "nodes: 2\nready: {limit: soon}", `f.yaml line 3: ready.limit: duration "soon"`},
		{"nodes: 2", "nodes: 2\ncontract: {reads: strictly}", `f.yaml: contract.reads: "strictly" (did you mean "strict"?)`},
		{"nodes: 2", "nodes: 2\nadvertised: here", `f.yaml line 3: advertised: "here": want host:port`},
		{"name: fake", "about: fake", `f.yaml: name: is missing`},
		{"command:", "kill:", `f.yaml: command: is missing`},
	} {
		if !strings.Contains(small, c.old) {
			t.Fatalf("%q is not there", c.old)
		}
		_, err := Parse("f.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.new, err, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	text := strings.Replace(small, "command:", "  - {path: other, source: other.tmpl}\ncommand:", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "line 14: files[1].source") {
		t.Errorf("without the source: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.tmpl"), []byte("this is {{.name}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Render(Layout{Block: 77, Nodes: 2, Dir: dir})
	if err != nil || r.Nodes[0].Files[1].Text != "this is n1" {
		t.Errorf("%+v, %v", r.Nodes[0].Files, err)
	}
	for arg, want := range map[string]string{
		"chronick":      `cluster file "chronick": neither a file nor shipped (did you mean "chronik"?); shipped are: chronik`,
		"./nothing.yml": "read the cluster file: open ./nothing.yml",
	} {
		if _, err := Load(arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"kafka", "chronik"} {
		b, _ := shipped.ReadFile("shipped/" + name + ".yaml")
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse("f.yaml", b)
		if err != nil {
			return
		}
		// What is accepted can be rendered.
		if _, err := file.Render(Layout{Block: FirstBlock, Nodes: file.Nodes, Dir: "/c", Routed: true}); err != nil {
			t.Error(err)
		}
	})
}

// TestExamples reads and fills in the files of the documentation, and those that
// are shipped.
func TestExamples(t *testing.T) {
	for name, want := range map[string]string{
		"../../../docs/redpanda.yaml": "advertised_kafka_api: [{address: 127.80.100.2, port: 9092}]",
		"chronik":                     `kafka = "127.80.100.2:9092"`,
	} {
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Render(Layout{Block: 80, Nodes: 3, Dir: "/c", ClusterID: "id", Routed: true})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, file := range r.Nodes[1].Files {
			all = append(all, file.Text)
		}
		if text := strings.Join(all, "\n"); !strings.Contains(text, want) || !strings.Contains(text, "127.80.2.3") {
			t.Errorf("%s: the second node's files have no %q, or do not lead to the third through a proxy:\n%s", name, want, text)
		}
	}
}
