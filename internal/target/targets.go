package target

import (
	"context"
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// Targets is the catalogue. The first one is the default.
var Targets = []Target{
	{"embedded", "An in-process cluster (kfake) of three brokers, or as many as --nodes says. " +
		"It keeps one log per partition without replication, so reads are strict and nothing may be lost. " +
		"The only target that can be broken with --mutant.", startEmbedded, checkEmbedded},
	{"external", "Any Kafka-compatible brokers that are running: external:HOST:PORT,… names some of them, the rest is discovered. " +
		"Only topics that the run created are touched. Reads are judged as Kafka promises them.", startExternal, checkExternal},
	{"process", "Any broker whose nodes are processes that ackproof starts, drives and ends: process:FILE names a cluster file, " +
		"process:chronik one that is shipped (see docs/cluster-files.md). Every ordered pair of nodes has its own proxies. Linux only.", startProcess, checkProcess},
	{"kafka", "A real Apache Kafka (KRaft) of three nodes or one (--nodes), which ackproof starts, drives and ends: kafka is version " +
		kafkadist.DefaultVersion + ", kafka:VERSION another one. Maven fetches it the first time; KAFKA_HOME names an unpacked one instead. Linux only.", startKafka, checkKafka},
}

// Start starts the target that spec names, as name or name:argument.
func Start(ctx context.Context, spec string, cfg Config) (Cluster, error) {
	t, arg, err := find(spec)
	if err != nil {
		return nil, err
	}
	cfg.Arg = arg
	return t.Start(ctx, cfg)
}

// Check tells whether spec names a target with an argument that it can take,
// without starting anything.
func Check(spec string) error {
	t, arg, err := find(spec)
	if err != nil {
		return err
	}
	return t.Check(arg)
}

// NodeNames are the names of the nodes of a cluster of n brokers.
func NodeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = nodeName(i)
	}
	return names
}

// find returns the target that spec names, and its argument.
func find(spec string) (t Target, arg string, err error) {
	name, arg, _ := strings.Cut(spec, ":")
	known := make([]string, len(Targets))
	for i, t := range Targets {
		if t.Name == name {
			return t, arg, nil
		}
		known[i] = t.Name
	}
	return Target{}, "", fmt.Errorf("target %q%s: want %s", spec, names.Hint(name, known), strings.Join(known, " or "))
}
