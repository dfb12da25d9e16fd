package clusterfile

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/ackproof/ackproof/internal/names"
)

// A cluster has a block of loopback addresses, 127.B.0.0/16, to itself: node j
// really listens on 127.B.0.j, node i dials it on 127.B.i.j, and clients dial it
// on 127.B.100.j. A socket's addresses thus tell which way it takes.
const (
	FirstBlock, LastBlock = 77, 250
	clientsOctet          = 100
)

// Layout is what a cluster is rendered for.
type Layout struct {
	Block     int    // B
	Nodes     int    // how many
	Dir       string // nodes get a directory each below it
	ClusterID string // 22 characters of base64url, as Kafka wants it
	Routed    bool   // nodes reach each other through proxies; false: directly
	Vars      map[string]string
}

// Rendered is a cluster file with every variable filled in.
type Rendered struct {
	File   *File
	Nodes  []Node
	Routes []Route
}

// Route is the way from one node to a port of another.
type Route struct{ From, To, Port, Listen, Upstream string }

// Node is all that is needed to run one node.
type Node struct {
	Name       string
	ID         int
	Dir        string // its own directory, which is the working directory of its commands
	Data       string
	Log        string
	Advertised string            // host:port
	Upstream   string            // where it listens for clients
	Listen     string            // where the clients' proxy listens
	Ports      map[string]string // host:port by name
	Files      []Rendition
	Prepare    [][]string
	Command    []string
	Env        []string // NAME=value
	Steps      []Step   // texts rendered
	MetricsURL string

	Kill, Stop, Pause, Resume, Restart, PID, Cleanup []string

	file *File
	view map[string]any
}

// Rendition is a file to write.
type Rendition struct{ Path, Text string }

// NodeName names the i-th node, from 1.
func NodeName(i int) string { return "n" + strconv.Itoa(i) }

// Render fills in the variables. Errors name the line and the field.
func (f *File) Render(l Layout) (*Rendered, error) {
	if err := f.CheckNodes(l.Nodes); err != nil {
		return nil, err
	}
	r := &Rendered{File: f}
	for i := 1; i <= l.Nodes; i++ {
		n, err := f.node(l, i)
		if err != nil {
			return nil, err
		}
		r.Nodes = append(r.Nodes, n)
	}
	for _, port := range slices.Sorted(maps.Keys(f.Ports)) {
		if !f.Ports[port].Peers || !l.Routed {
			continue
		}
		for i := 1; i <= l.Nodes; i++ {
			for j := 1; j <= l.Nodes; j++ {
				if i != j {
					r.Routes = append(r.Routes, Route{
						From: NodeName(i), To: NodeName(j), Port: port,
						Listen: f.at(port, l.Block, i, j), Upstream: f.at(port, l.Block, 0, j),
					})
				}
			}
		}
	}
	return r, nil
}

func host(block, from, to int) string { return fmt.Sprintf("127.%d.%d.%d", block, from, to) }

func (f *File) at(port string, block, from, to int) string {
	return net.JoinHostPort(host(block, from, to), strconv.Itoa(f.Ports[port].Port))
}

// id is the broker id of the i-th node, from 1.
func (f *File) id(i int) int {
	if f.FirstID == nil {
		return i
	}
	return *f.FirstID + i - 1
}

// node renders the i-th node, from 1.
func (f *File) node(l Layout, i int) (n Node, err error) {
	n = Node{
		Name: NodeName(i), ID: f.id(i), Dir: filepath.Join(l.Dir, NodeName(i)), file: f,
		Upstream: f.at(f.Clients, l.Block, 0, i), Listen: f.at(f.Clients, l.Block, clientsOctet, i),
		Ports: map[string]string{},
	}
	for name := range f.Ports {
		n.Ports[name] = f.at(name, l.Block, 0, i)
	}
	if n.view, err = f.nodeView(l, n, i); err != nil {
		return n, err
	}
	w := &writer{f: f, view: n.view}
	n.Advertised = w.text(f.Advertised)
	for _, t := range f.Files {
		n.Files = append(n.Files, Rendition{w.path(n.Dir, t.Path), w.text(t.Template)})
	}
	for _, c := range f.Prepare {
		n.Prepare = append(n.Prepare, w.list(c))
	}
	n.Command = w.list(f.Command)
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		n.Env = append(n.Env, name+"="+w.text(f.Env[name]))
	}
	for _, s := range f.Ready.Steps {
		s.HTTP.Value, s.Log.Value = w.text(s.HTTP), w.text(s.Log)
		n.Steps = append(n.Steps, s)
	}
	n.Data, n.Log = n.view["data"].(string), n.view["log"].(string)
	n.MetricsURL = w.text(f.Metrics.URL)
	n.Kill, n.Stop, n.Pause, n.Resume = w.list(f.Kill), w.list(f.Stop.Run), w.list(f.Pause), w.list(f.Resume)
	n.Restart, n.PID, n.Cleanup = w.list(f.Restart), w.list(f.PID), w.list(f.Cleanup)
	if w.err == nil {
		if _, _, err := net.SplitHostPort(n.Advertised); err != nil {
			w.err = f.Advertised.At(f.path, 1, fmt.Sprintf("%q: want host:port", n.Advertised))
		}
	}
	return n, w.err
}

// nodeView is the variables of a node.
func (f *File) nodeView(l Layout, n Node, i int) (map[string]any, error) {
	port := map[string]any{}
	for name, p := range f.Ports {
		port[name] = p.Port
	}
	var peers []any
	for j := 1; j <= l.Nodes; j++ {
		from := i
		if j == i || !l.Routed {
			from = 0
		}
		addr := map[string]any{}
		for name := range f.Ports {
			addr[name] = f.at(name, l.Block, from, j)
		}
		peers = append(peers, map[string]any{
			"id": f.id(j), "name": NodeName(j), "self": j == i, "host": host(l.Block, from, j),
			"addr": addr, "client": f.at(f.Clients, l.Block, clientsOctet, j), "port": port,
		})
	}
	self := map[string]any{}
	for name, a := range n.Ports {
		self[name] = a
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	v := map[string]any{
		"id": n.ID, "name": n.Name, "nodes": l.Nodes, "cluster": l.ClusterID, "block": l.Block,
		"dir": n.Dir, "host": host(l.Block, 0, i), "hostname": hostname,
		"addr": self, "client": n.Listen, "port": port, "peers": peers,
	}
	vars := map[string]any{}
	w := &writer{f: f, view: v}
	for name, t := range f.Vars {
		if given, ok := l.Vars[name]; ok {
			vars[name] = given
		} else {
			vars[name] = w.text(t)
		}
	}
	v["vars"] = vars
	v["data"] = w.path(n.Dir, f.Data)
	v["log"] = w.path(n.Dir, f.Log)
	return v, w.err
}

// SegmentFiles are the patterns of the files of a partition's log, and of those
// that a power loss would not leave. Empty segments: the file does not say.
func (n Node) SegmentFiles(topic string, partition int32) (p struct {
	Segments string
	Spoil    []string
}, err error) {
	view := maps.Clone(n.view)
	view["topic"], view["partition"] = topic, partition
	w := &writer{f: n.file, view: view}
	if n.file.Segments.Value != "" {
		p.Segments = w.path(n.Dir, n.file.Segments)
	}
	for _, t := range n.file.Spoil {
		p.Spoil = append(p.Spoil, w.path(n.Dir, t))
	}
	return p, w.err
}

// writer renders texts with one view and remembers the first error.
type writer struct {
	f    *File
	view map[string]any
	err  error
}

// functions are what templates may call besides Go's own.
var functions = template.FuncMap{
	"add": func(a, b int) int { return a + b },
	"min": func(a, b int) int { return min(a, b) },
	// env reads a variable of the environment, or takes the default.
	"env": func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return otherwise
	},
}

func (w *writer) text(t Text) string {
	if w.err != nil || !strings.Contains(t.Value, "{{") {
		return t.Value
	}
	tpl, err := template.New("").Funcs(functions).Option("missingkey=error").Parse(t.Value)
	var b strings.Builder
	if err == nil {
		err = tpl.Execute(&b, w.view)
	}
	if err != nil {
		w.err = w.explain(t, err)
		return ""
	}
	return b.String()
}

func (w *writer) list(ts []Text) []string {
	var out []string
	for _, t := range ts {
		out = append(out, w.text(t))
	}
	return out
}

// path makes a file's name absolute, within the node's directory.
func (w *writer) path(dir string, t Text) string {
	p := w.text(t)
	if !filepath.IsAbs(p) {
		p = filepath.Join(dir, p)
	}
	return p
}

var (
	templateError = regexp.MustCompile(`^template: :(\d+)(?::\d+)?: (?:executing "" at <[^>]*>: )?(.*)$`)
	noKey         = regexp.MustCompile(`map has no entry for key "(.*)"`)
	noFunction    = regexp.MustCompile(`function "(.*)" not defined`)
)

// explain takes apart what text/template says: the line, and which name was
// probably meant.
func (w *writer) explain(t Text, err error) error {
	line, why := 1, err.Error()
	if m := templateError.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		why = m[2]
	}
	if m := noKey.FindStringSubmatch(why); m != nil {
		known := keys(w.view)
		why = fmt.Sprintf("unknown variable %q%s; there are: %s", m[1], names.Hint(m[1], known), strings.Join(known, ", "))
	}
	if m := noFunction.FindStringSubmatch(why); m != nil {
		known := slices.Sorted(maps.Keys(functions))
		why = fmt.Sprintf("unknown function %q%s; there are: %s; a variable begins with a dot", m[1], names.Hint(m[1], known), strings.Join(known, ", "))
	}
	return t.At(w.f.path, line, why)
}

// keys are the names of all variables.
func keys(v any) []string {
	seen := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				seen[k] = true
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return slices.Sorted(maps.Keys(seen))
}

// Write writes the node's files and makes its directories.
func (n Node) Write() error {
	errs := []error{os.MkdirAll(n.Data, 0o755), os.MkdirAll(filepath.Dir(n.Log), 0o755)}
	for _, r := range n.Files {
		errs = append(errs, os.MkdirAll(filepath.Dir(r.Path), 0o755), os.WriteFile(r.Path, []byte(r.Text), 0o644))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write the files of %s: %w", n.Name, err)
	}
	return nil
}
