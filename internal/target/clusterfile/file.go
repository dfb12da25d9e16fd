// Package clusterfile reads cluster files: how the nodes of any Kafka-compatible
// broker are started, so that ackproof can run, break and mend a cluster of it.
// docs/cluster-files.md is the reference.
package clusterfile

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/strictyaml"
)

// Text is a template with the variables of a node: see View.
type Text = strictyaml.Text

// File is a cluster file. Every Text and every list of them is a template.
type File struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"` // for people: which broker, which version, what was tried
	Nodes int    `yaml:"nodes"` // how many nodes are started where nobody says; 0: 3
	Sizes []int  `yaml:"sizes"` // how many may be asked for; empty: 1 to 9
	// FirstID is the broker id of the first node; the others follow. Empty: 1.
	FirstID *int `yaml:"first_id"`

	// Ports are the ports that each node listens on, by a name of the file's
	// choice. Nodes have their own addresses, so the numbers are the same on all.
	Ports      map[string]Port `yaml:"ports"`
	Clients    string          `yaml:"clients"`    // the port that speaks Kafka's protocol
	Advertised Text            `yaml:"advertised"` // host:port by which the node names itself to clients

	Vars    map[string]Text `yaml:"vars"`    // variables of the file's own
	Files   []Template      `yaml:"files"`   // written before the first start
	Prepare [][]Text        `yaml:"prepare"` // commands that run once, before the first start
	Command []Text          `yaml:"command"` // the node itself, in the foreground
	Env     map[string]Text `yaml:"env"`
	Data    Text            `yaml:"data"` // the node's data directory; empty: data in its own
	Log     Text            `yaml:"log"`  // what the command prints is appended to it; empty: log in the node's directory
	Ready   Ready           `yaml:"ready"`
	Stop    Stop            `yaml:"stop"`
	Warm    []string        `yaml:"warm"` // groups, transactions: made to exist before the first run
	Promise Promise         `yaml:"contract"`
	Metrics Metrics         `yaml:"metrics"`

	// Segments are the files of a partition's log, oldest first in the order of
	// their names; a template that also knows topic and partition. Empty: the
	// tail of a log cannot be lost.
	Segments Text `yaml:"segments"`
	// Spoil are files that a power loss would not have left: removed when a tail
	// is lost. Patterns as in Segments.
	Spoil []Text `yaml:"spoil"`

	// What is done instead of signalling the process, for nodes in containers.
	Kill    []Text `yaml:"kill"`
	Pause   []Text `yaml:"pause"`
	Resume  []Text `yaml:"resume"`
	Restart []Text `yaml:"restart"`
	PID     []Text `yaml:"pid"`     // prints the process that serves; empty: the command's own
	Cleanup []Text `yaml:"cleanup"` // runs before the first start and after the end; its failure is no error

	path string
}

// Port is one port of each node.
type Port struct {
	Port  int  `yaml:"port"`
	Peers bool `yaml:"peers"` // the other nodes dial it: a proxy for each ordered pair
}

// Template is a file to render: its text, or where the text is.
type Template struct {
	Path     Text `yaml:"path"`
	Template Text `yaml:"template"`
	Source   Text `yaml:"source"` // a file with the template, relative to the cluster file
}

// Ready says when a node can be used.
type Ready struct {
	Limit Duration `yaml:"limit"` // for the whole cluster; 0: a minute
	Steps []Step   `yaml:"steps"` // in this order; empty: brokers
}

// Step is one condition; exactly one field is set.
type Step struct {
	TCP     string `yaml:"tcp"`     // a port accepts connections
	HTTP    Text   `yaml:"http"`    // a GET of the URL is answered with 2xx
	Log     Text   `yaml:"log"`     // the log holds a line with this text, written since the start
	Brokers bool   `yaml:"brokers"` // the node answers Kafka's Metadata and lists every node
}

// Stop is how a node is stopped gracefully.
type Stop struct {
	Signal Signal   `yaml:"signal"` // empty: TERM
	Limit  Duration `yaml:"limit"`  // after it the stop has failed, and the node is killed; 0: 30 s
	Run    []Text   `yaml:"run"`    // a command instead of a signal
}

// Promise is what the broker promises, in the words of the contract.
type Promise struct {
	Durability string `yaml:"durability"` // replicated (Kafka's promise) or synced; empty: replicated
	Reads      string `yaml:"reads"`      // strict, kafka or session; empty: kafka
}

// Metrics is where a node's Prometheus metrics are.
type Metrics struct {
	URL Text `yaml:"url"` // empty: none
	// Names maps a name of ours to the node's metric, a label or two included:
	// produce_errors: chronik_produce_requests_total{result="error"}.
	Names map[string]string `yaml:"names"`

	mappings []metrics.Mapping
}

// Mappings are the names, in their order.
func (m Metrics) Mappings() []metrics.Mapping { return m.mappings }

// Duration is a time span as people write it: 20s.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("duration %q: want a positive number with a unit, such as 20s", b)
	}
	*d = Duration(v)
	return nil
}

// Signal is the name of a signal, without SIG.
type Signal syscall.Signal

var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "HUP": syscall.SIGHUP,
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Signal) UnmarshalText(b []byte) error {
	v, ok := signals[strings.TrimPrefix(string(b), "SIG")]
	if !ok {
		known := slices.Sorted(maps.Keys(signals))
		return fmt.Errorf("signal %q%s: want %s", b, names.Hint(string(b), known), strings.Join(known, ", "))
	}
	*s = Signal(v)
	return nil
}

// MaxNodes is the most nodes of a cluster: their numbers are part of addresses.
const MaxNodes = 9

// Load reads the cluster file that arg names: a shipped one by its name
// (chronik), or any by its path.
func Load(arg string) (*File, error) {
	if b, err := shipped.ReadFile("shipped/" + arg + ".yaml"); err == nil {
		return Parse(arg+".yaml", b)
	}
	b, err := os.ReadFile(arg)
	if err != nil && !strings.ContainsAny(arg, "/.") {
		known := Shipped()
		return nil, fmt.Errorf("cluster file %q: neither a file nor shipped%s; shipped are: %s", arg, names.Hint(arg, known), strings.Join(known, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster file: %w", err)
	}
	f, err := Parse(arg, b)
	if err != nil {
		return nil, err
	}
	if f.path, err = filepath.Abs(arg); err != nil {
		return nil, fmt.Errorf("read the cluster file: %w", err)
	}
	return f, f.readSources()
}

// Parse reads and checks a cluster file; name stands in its errors.
func Parse(name string, b []byte) (*File, error) {
	f := &File{path: name}
	if err := strictyaml.Decode(name, b, f); err != nil {
		return nil, fmt.Errorf("cluster file %w", err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("cluster file %w", err)
	}
	return f, nil
}

// readSources reads the templates that stand in files of their own.
func (f *File) readSources() error {
	for i, t := range f.Files {
		if t.Source.Value == "" {
			continue
		}
		path := t.Source.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.path), path)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cluster file %w", t.Source.At(f.path, 1, err.Error()))
		}
		f.Files[i].Template = Text{Value: string(b), Line: t.Source.Line, Field: t.Source.Field}
	}
	return f.rehearse()
}
