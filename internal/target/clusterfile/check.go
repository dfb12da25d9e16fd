package clusterfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/strictyaml"
)

// Warmups are what Warm may name.
var Warmups = []string{"groups", "transactions"}

func (f *File) refuse(field, format string, args ...any) error {
	return &strictyaml.Error{File: f.path, Field: field, Why: fmt.Sprintf(format, args...)}
}

// check refuses what cannot be started, and fills in the defaults.
func (f *File) check() error {
	f.Nodes = cmp.Or(f.Nodes, 3)
	f.Ready.Limit = cmp.Or(f.Ready.Limit, Duration(time.Minute))
	f.Stop.Limit = cmp.Or(f.Stop.Limit, Duration(30*time.Second))
	f.Stop.Signal = cmp.Or(f.Stop.Signal, Signal(signals["TERM"]))
	f.Promise.Durability = cmp.Or(f.Promise.Durability, "replicated")
	f.Promise.Reads = cmp.Or(f.Promise.Reads, "kafka")
	for field, t := range map[*Text]string{&f.Data: "{{.dir}}/data", &f.Log: "{{.dir}}/log"} {
		if field.Value == "" {
			field.Value = t
		}
	}
	if len(f.Ready.Steps) == 0 {
		f.Ready.Steps = []Step{{Brokers: true}}
	}
	if f.Name == "" {
		return f.refuse("name", "is missing: want the broker's name")
	}
	if len(f.Command) == 0 {
		return f.refuse("command", "is missing: want the command that runs a node, as a list")
	}
	if err := f.CheckNodes(f.Nodes); err != nil {
		return f.refuse("nodes", "%v", err)
	}
	if f.FirstID != nil && (*f.FirstID < 0 || *f.FirstID > 1_000_000) {
		return f.refuse("first_id", "%d: want 0 to 1000000", *f.FirstID)
	}
	if err := f.checkPorts(); err != nil {
		return err
	}
	if err := f.checkSteps(); err != nil {
		return err
	}
	if err := f.checkMetrics(); err != nil {
		return err
	}
	for i, w := range f.Warm {
		if !slices.Contains(Warmups, w) {
			return f.refuse(fmt.Sprintf("warm[%d]", i), "%q%s: want %s", w, names.Hint(w, Warmups), strings.Join(Warmups, " or "))
		}
	}
	for _, c := range []struct {
		field, v string
		words    []string
	}{
		{"contract.durability", f.Promise.Durability, []string{"replicated", "synced"}},
		{"contract.reads", f.Promise.Reads, []string{"strict", "kafka", "session"}},
	} {
		if !slices.Contains(c.words, c.v) {
			return f.refuse(c.field, "%q%s: want %s", c.v, names.Hint(c.v, c.words), strings.Join(c.words, " or "))
		}
	}
	return f.rehearse()
}

// checkMetrics wants names that can be looked for.
func (f *File) checkMetrics() error {
	for _, name := range slices.Sorted(maps.Keys(f.Metrics.Names)) {
		series, err := metrics.ParseSeries(f.Metrics.Names[name])
		if err != nil {
			return f.refuse("metrics.names."+name, "%v", err)
		}
		f.Metrics.mappings = append(f.Metrics.mappings, metrics.Mapping{Name: name, Series: series})
	}
	return nil
}

// CheckNodes tells whether a cluster of n nodes can be started.
func (f *File) CheckNodes(n int) error {
	if len(f.Sizes) > 0 && !slices.Contains(f.Sizes, n) {
		return fmt.Errorf("%d nodes: %s runs with %s", n, f.Name, strings.Trim(fmt.Sprint(f.Sizes), "[]"))
	}
	if n < 1 || n > MaxNodes {
		return fmt.Errorf("%d nodes: want 1 to %d", n, MaxNodes)
	}
	return nil
}

// checkPorts wants numbers that differ, and the one that clients use.
func (f *File) checkPorts() error {
	known := slices.Sorted(maps.Keys(f.Ports))
	taken := map[int]string{}
	for _, name := range known {
		p := f.Ports[name].Port
		if p < 1 || p > 65535 {
			return f.refuse("ports."+name+".port", "%d: want 1 to 65535", p)
		}
		if taken[p] != "" {
			return f.refuse("ports."+name+".port", "%d is the port of %s already", p, taken[p])
		}
		taken[p] = name
	}
	if _, ok := f.Ports[f.Clients]; !ok {
		return f.refuse("clients", "%q%s: want the name of the port that clients use, one of ports: %s",
			f.Clients, names.Hint(f.Clients, known), strings.Join(known, ", "))
	}
	if f.Advertised.Value == "" {
		f.Advertised.Value = "{{.client}}"
	}
	return nil
}

// checkSteps wants one condition a step.
func (f *File) checkSteps() error {
	for i, s := range f.Ready.Steps {
		field := fmt.Sprintf("ready.steps[%d]", i)
		n := 0
		for _, set := range []bool{s.TCP != "", s.HTTP.Value != "", s.Log.Value != "", s.Brokers} {
			if set {
				n++
			}
		}
		if n != 1 {
			return f.refuse(field, "want exactly one of tcp, http, log, brokers")
		}
		if _, ok := f.Ports[s.TCP]; s.TCP != "" && !ok {
			known := slices.Sorted(maps.Keys(f.Ports))
			return f.refuse(field+".tcp", "no port %q%s; there are: %s", s.TCP, names.Hint(s.TCP, known), strings.Join(known, ", "))
		}
	}
	return nil
}

// rehearse renders the file for a cluster that is never started, so that a
// variable that does not exist is refused before anything runs.
func (f *File) rehearse() error {
	for _, t := range f.Files {
		if t.Template.Value == "" && t.Source.Value == "" {
			return t.Path.At(f.path, 1, "the file has neither template nor source")
		}
	}
	l := Layout{Block: FirstBlock, Nodes: f.Nodes, Dir: "/cluster", ClusterID: "ackproofackproofackpro", Routed: true}
	r, err := f.Render(l)
	if err != nil {
		return err
	}
	for _, n := range r.Nodes {
		if _, err := n.SegmentFiles("topic", 0); err != nil {
			return err
		}
	}
	return nil
}
