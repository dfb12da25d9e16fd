// Package run makes a run: Spec → Plan → History → Verdict → run directory.
package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/keep"
	"github.com/ackproof/ackproof/internal/seed"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/mutants"
	"github.com/ackproof/ackproof/nemesis"
)

// Spec is all that a run is made from. It is saved as spec.json before the run
// begins; the same Spec makes the same plan and the same operations.
type Spec struct {
	Format     int      `json:"format"`
	Name       string   `json:"name"`
	Target     string   `json:"target"`            // name, or name:argument
	Cluster    string   `json:"cluster,omitempty"` // the kept cluster to use; empty: the run starts its own
	Workload   string   `json:"workload"`          // a row of generator.Workloads
	Seed       uint64   `json:"seed"`
	TimeLimit  Duration `json:"time_limit"` // the main phase, calm included
	Calm       Duration `json:"calm"`       // without faults, at the start
	Recovery   Duration `json:"recovery"`   // operations go on after the last heal
	Quiet      Duration `json:"quiet"`      // late writes may land before the final reads
	FinalLimit Duration `json:"final_limit"`
	OpTimeout  Duration `json:"op_timeout"`
	PollWait   Duration `json:"poll_wait"`
	// SessionTimeout is how long a consumer group waits for a member that says nothing.
	SessionTimeout Duration `json:"session_timeout"`
	Rate           float64  `json:"rate"` // operations per second of all client workers; 0: as fast as they can
	Concurrency    string   `json:"concurrency"`
	Nodes          int      `json:"nodes"` // embedded target
	Topics         int      `json:"topics"`
	Partitions     int      `json:"partitions"` // of each topic
	Replication    int      `json:"replication"`
	Batch          int      `json:"batch"`       // most records in one batch
	RecordSize     int      `json:"record_size"` // bytes
	Compression    string   `json:"compression"`
	Acks           string   `json:"acks"`
	Idempotence    bool     `json:"idempotence"`
	Safe           bool     `json:"safe"`
	Model          string   `json:"model,omitempty"`
	Nemesis        []string `json:"nemesis"` // faults by name, "all", or nothing
	Interval       Duration `json:"nemesis_interval"`
	Toxiproxy      string   `json:"toxiproxy,omitempty"`
	Proxies        string   `json:"proxies,omitempty"` // topology whose proxies stand on the foreign Toxiproxy server and are to be used
	Reset          bool     `json:"reset,omitempty"`
	Netns          bool     `json:"netns,omitempty"` // the run has a network namespace of its own
	Mutant         string   `json:"mutant,omitempty"`
	Metrics        []string `json:"metrics,omitempty"`      // NODE=URL of the nodes' Prometheus metrics
	MetricNames    []string `json:"metric_names,omitempty"` // NAME=SERIES: the interesting ones
	// CommandConfig is the properties file that says how clients prove themselves.
	CommandConfig string   `json:"command_config,omitempty"`
	KeepTopics    bool     `json:"keep_topics,omitempty"`
	Disk          bool     `json:"disk,omitempty"`      // embedded: keep data on disk
	WholeLimit    Duration `json:"whole_limit"`         // how long the cluster may take to be whole again after the heal
	MinAcked      int      `json:"min_acked,omitempty"` // acknowledged records a log needs for valid; 0: the checker's default
	Compress      bool     `json:"compress,omitempty"`  // history.jsonl.zst
	// TopicConfig overrides what the target creates the run's topics with.
	TopicConfig map[string]string `json:"topic_config,omitempty"`
	Durability  string            `json:"durability,omitempty"` // replicated or synced; empty: the target's
	// KeepGoing lets the main phase last to its end although a violation was
	// found while it lasted.
	KeepGoing bool     `json:"keep_going,omitempty"`
	Staleness Duration `json:"staleness,omitempty"` // how old a read may be where reads are Kafka's; 0: not said
	// Steps are walked instead of a plan, as a scenario has them.
	Scenario string             `json:"scenario,omitempty"` // its name
	Steps    []Step             `json:"steps,omitempty"`
	Expect   []histories.Expect `json:"expect,omitempty"`
}

// SpecFormat is the version of spec.json.
const SpecFormat = 1

// Default is the newcomer's run: twenty seconds on the embedded target under all faults.
func Default() Spec {
	return Spec{
		Format: SpecFormat, Name: "run", Target: "embedded", Workload: generator.Workloads[0].Name,
		TimeLimit: Duration(20 * time.Second), Calm: Duration(2 * time.Second),
		Recovery: Duration(time.Second), Quiet: Duration(time.Second), FinalLimit: Duration(60 * time.Second),
		WholeLimit: Duration(30 * time.Second),
		OpTimeout:  Duration(time.Second), PollWait: Duration(50 * time.Millisecond), SessionTimeout: Duration(client.DefaultSessionTimeout),
		Rate: 5000, Concurrency: "15", Nodes: 3, Topics: 2, Partitions: 4,
		Batch: 10, RecordSize: 64, Compression: "none", Acks: "all", Idempotence: true,
		Nemesis: []string{"all"}, Interval: Duration(2500 * time.Millisecond),
	}
}

// Duration is a time.Duration that JSON writes as people do: "20s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("duration %q: want a number with a unit, such as 20s or 1m30s", b)
	}
	*d = Duration(v)
	return nil
}

// ReadSpec reads a saved spec.json. Unknown and missing fields are refused:
// a spec that is only half understood would repeat another run.
func ReadSpec(path string) (Spec, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Spec{}, fmt.Errorf("read spec: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var s Spec
	if err := dec.Decode(&s); err != nil {
		line := lineOf(b, dec.InputOffset(), err)
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return Spec{}, fmt.Errorf("spec %s%s: field %s: want a value of type %s, not a JSON %s", path, line, typ.Field, typ.Type, typ.Value)
		}
		return Spec{}, fmt.Errorf("spec %s%s: %w", path, line, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Spec{}, fmt.Errorf("spec %s: byte %d: more than one JSON value", path, dec.InputOffset())
	}
	if field := s.missing(b); field != "" {
		return Spec{}, fmt.Errorf("spec %s: field %s is missing", path, field)
	}
	if s.Format != SpecFormat {
		return Spec{}, fmt.Errorf("spec %s: field format is %d; this version reads %d", path, s.Format, SpecFormat)
	}
	if err := s.Validate(); err != nil {
		return Spec{}, fmt.Errorf("spec %s: %w", path, err)
	}
	return s, nil
}

// missing returns the first field that b, a spec, lacks; empty: none.
func (Spec) missing(b []byte) string {
	var has, want map[string]json.RawMessage
	if json.Unmarshal(b, &has) != nil || json.Unmarshal(Spec{}.Encode(), &want) != nil {
		return "" // b was a spec a moment ago
	}
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if _, ok := has[field]; !ok {
			return field
		}
	}
	return ""
}

// lineOf says where in b a JSON error stands.
func lineOf(b []byte, off int64, err error) string {
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok { // the decoder only tells which
		off = int64(bytes.Index(b, []byte(field))) + 1
	}
	var syn *json.SyntaxError
	var typ *json.UnmarshalTypeError
	if errors.As(err, &syn) {
		off = syn.Offset
	}
	if errors.As(err, &typ) {
		off = typ.Offset
	}
	if off <= 0 || off > int64(len(b)) {
		return ""
	}
	return fmt.Sprintf(" line %d", 1+bytes.Count(b[:off], []byte{'\n'}))
}

// Encode returns spec.json.
func (s Spec) Encode() []byte {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // a Spec holds nothing that JSON cannot say
	}
	return append(b, '\n')
}

// Workers resolves Concurrency ("12" or "5n") for a number of nodes.
func (s Spec) Workers(nodes int) (int, error) {
	num, per := strings.CutSuffix(s.Concurrency, "n")
	if per && num == "" {
		num = "1"
	}
	n, err := strconv.Atoi(num)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("concurrency %q: want a positive number of clients, or such a number with n for that many a node (3n)", s.Concurrency)
	}
	if per {
		n *= nodes
	}
	if n > 10000 {
		return 0, fmt.Errorf("concurrency %q: %d clients; at most 10000", s.Concurrency, n)
	}
	return n, nil
}

// Validate says what is wrong with a field and what is allowed.
func (s Spec) Validate() error {
	if _, err := s.workload(); err != nil {
		return err
	}
	if _, err := s.Workers(1); err != nil {
		return err
	}
	if w, _ := s.workload(); w.MinClients > 0 {
		if n, err := s.Workers(max(1, s.Nodes)); err == nil && n < w.MinClients {
			return fmt.Errorf("concurrency %q: workload %s needs at least %d clients", s.Concurrency, w.Name, w.MinClients)
		}
	}
	if err := s.validateNames(); err != nil {
		return err
	}
	if err := nemesis.CheckURL(s.Toxiproxy); err != nil {
		return err
	}
	if err := s.validateCluster(); err != nil {
		return err
	}
	if err := s.validateNetns(); err != nil {
		return err
	}
	if s.Proxies != "" && s.Toxiproxy == "" {
		return fmt.Errorf("proxies %s: they stand on a Toxiproxy server: say which with --toxiproxy http://127.0.0.1:8474", s.Proxies)
	}
	if s.Name == "" || strings.ContainsAny(s.Name, "/\\\x00") || strings.HasPrefix(s.Name, ".") || s.Name == "latest" {
		return fmt.Errorf("name %q: want a plain directory name without slashes, not beginning with a dot, not \"latest\"", s.Name)
	}
	type number struct {
		field    string
		v        float64
		min, max float64
	}
	sec := func(d Duration) float64 { return time.Duration(d).Seconds() }
	for _, n := range []number{
		{"time-limit (seconds)", sec(s.TimeLimit), 1, 7 * 86400},
		{"calm (seconds)", sec(s.Calm), 0, sec(s.TimeLimit)},
		{"recovery (seconds)", sec(s.Recovery), 0, 3600},
		{"quiet (seconds)", sec(s.Quiet), 0, 3600},
		{"final-limit (seconds)", sec(s.FinalLimit), 1, 86400},
		{"whole-limit (seconds)", sec(s.WholeLimit), 0, 3600},
		{"op-timeout (seconds)", sec(s.OpTimeout), 0.05, 600},
		{"session-timeout (seconds)", sec(s.SessionTimeout), 1, 1800},
		{"staleness (seconds)", sec(s.Staleness), 0, 86400},
		{"poll-wait (seconds)", sec(s.PollWait), 0, sec(s.OpTimeout) / 2},
		{"nemesis-interval (seconds)", sec(s.Interval), 1, 86400},
		{"rate", s.Rate, 0, 10e6},
		{"nodes", float64(s.Nodes), 1, 99},
		{"topics", float64(s.Topics), 1, 1000},
		{"partitions", float64(s.Partitions), 1, 10000},
		{"replication", float64(s.Replication), 0, 99},
		{"batch", float64(s.Batch), 1, 10000},
		{"record-size (bytes)", float64(s.RecordSize), client.MinRecordSize, 900_000},
		{"min-acked", float64(s.MinAcked), 0, 1e12},
	} {
		if !(n.v >= n.min && n.v <= n.max) {
			return fmt.Errorf("%s is %g; allowed is %g to %g", n.field, n.v, n.min, n.max)
		}
	}
	if err := oneOf("acks", s.Acks, "all", "1", "0"); err != nil {
		return err
	}
	if s.Durability != "" {
		if err := oneOf("durability", s.Durability, "replicated", "synced"); err != nil {
			return err
		}
	}
	if err := s.validateSteps(); err != nil {
		return err
	}
	if w, _ := s.workload(); w.Client == "txn" && (s.Acks != "all" || !s.Idempotence) {
		return fmt.Errorf("workload %s with acks=%s and idempotence=%t: transactions need acks=all and idempotence", s.Workload, s.Acks, s.Idempotence)
	}
	if err := oneOf("compression", s.Compression, "none", "gzip", "snappy", "lz4", "zstd"); err != nil {
		return err
	}
	if _, err := s.metrics(s.NodeNames()); err != nil {
		return err
	}
	return CheckModel(s.Model)
}

// validateCluster refuses what a kept cluster cannot be.
func (s Spec) validateCluster() error {
	if s.Cluster == "" {
		return nil
	}
	if err := keep.CheckName(s.Cluster); err != nil {
		return err
	}
	if s.Mutant != "" || s.Disk {
		return fmt.Errorf("cluster %s: it runs already: leave out --mutant and --disk", s.Cluster)
	}
	return nil
}

// validateNetns refuses what cannot be reached from a network namespace of the
// run's own.
func (s Spec) validateNetns() error {
	if !s.Netns {
		return nil
	}
	name, _, _ := strings.Cut(s.Target, ":")
	for _, far := range []struct {
		is         bool
		flag, what string
	}{
		{name == "external", "target " + s.Target, "brokers that run already"},
		{s.Cluster != "", "cluster " + s.Cluster, "a cluster that is kept"},
		{s.Toxiproxy != "", "toxiproxy " + s.Toxiproxy, "a server that runs already"},
	} {
		if far.is {
			return fmt.Errorf("%s with netns: %s cannot be reached from a network namespace of the run's own; leave out --netns", far.flag, far.what)
		}
	}
	return nil
}

// validateNames refuses names that stand in no catalogue.
func (s Spec) validateNames() error {
	if err := CheckTarget(s.Target); err != nil {
		return err
	}
	name, _, _ := strings.Cut(s.Target, ":")
	if err := target.Check(s.Target); err != nil {
		return err
	}
	if err := target.CheckNodes(s.Target, s.Nodes); err != nil {
		return err
	}
	if name != "external" && s.Replication > s.Nodes {
		return fmt.Errorf("replication is %d; allowed is 1 to %d, the number of nodes, or 0 for the target's default", s.Replication, s.Nodes)
	}
	if s.Mutant != "" {
		if _, err := ByName("mutant", s.Mutant, mutants.Mutants, func(m mutants.Mutant) string { return m.Name }); err != nil {
			return err
		}
		if name != "embedded" {
			return fmt.Errorf("mutant %q: only the embedded target can be broken on purpose, not %s", s.Mutant, name)
		}
	}
	for _, f := range s.Nemesis {
		if f == "all" || f == "none" {
			if len(s.Nemesis) > 1 {
				return fmt.Errorf("nemesis %s: %q stands alone", strings.Join(s.Nemesis, ","), f)
			}
			continue
		}
		if _, err := ByName("fault", f, nemesis.Faults, func(f nemesis.Fault) string { return f.Name }); err != nil {
			return err
		}
	}
	return nil
}

func (s Spec) workload() (generator.Workload, error) {
	return ByName("workload", s.Workload, generator.Workloads, func(w generator.Workload) string { return w.Name })
}

func (s Spec) seed() seed.Seed { return seed.Seed(s.Seed) }

// NodeNames are the nodes that a plan may name, where they are known before the
// run: wherever ackproof starts them. nil: they are not.
func (s Spec) NodeNames() []string {
	if name, _, _ := strings.Cut(s.Target, ":"); name == "external" {
		return nil
	}
	return target.NodeNames(s.Nodes)
}

// managed tells whether the brokers are processes that the run starts.
func (s Spec) managed() bool {
	name, _, _ := strings.Cut(s.Target, ":")
	return name == "kafka" || name == "process"
}

// OfferOf is what a target has for faults, so far as that is known before it
// starts.
func OfferOf(where string, nodes int, toxiproxy string, netns bool) nemesis.Offer {
	o := target.Offers(where, nodes)
	return nemesis.Offer{OwnServer: toxiproxy == "", Peers: o.Peers, Processes: o.Processes, Admin: o.Admin, Netns: netns, Nodes: nodes}
}

// Faulty tells whether the run breaks anything.
func (s Spec) Faulty() bool { return len(s.Nemesis) > 0 && s.Nemesis[0] != "none" }

// CheckTarget refuses a target whose name, with or without an argument, does
// not exist.
func CheckTarget(spec string) error {
	name, _, _ := strings.Cut(spec, ":")
	_, err := ByName("target", name, target.Targets, func(t target.Target) string { return t.Name })
	return err
}

// CheckModel refuses a model that does not exist; empty is the header's own.
func CheckModel(model string) error {
	if model == "" {
		return nil
	}
	_, err := ByName("model", model, checker.Models, func(m checker.Model) string { return m.Name })
	return err
}
