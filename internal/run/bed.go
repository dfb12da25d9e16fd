package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/internal/keep"
	"github.com/ackproof/ackproof/internal/security"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// Bed is a started cluster with its links: what runs lie on, one at a time.
// Most runs make their own; a soak, a suite and a kept cluster lend theirs.
type Bed struct {
	cluster target.Cluster
	links   *nemesis.Links
	peers   *nemesis.Peers   // nil: the target does not route its nodes' traffic
	secure  *security.Config // nil: plaintext
	kept    bool             // the cluster is somebody else's, and goes on
	netns   bool             // all of it lives in a network namespace of its own
}

// BedConfig is what a bed is made from besides the Spec.
type BedConfig struct {
	DataDir string    // where the brokers may keep data; empty: as the target likes
	Log     io.Writer // the target's log; nil: none
	ToxiLog io.Writer // Toxiproxy's log; nil: none
	// Progress says what takes long before the start; nil: nobody listens.
	Progress func(line string)
	// Value reads the value out of a record's payload, for a broken broker's ledger.
	Value func(payload []byte) int64
}

// OpenBed starts the Spec's target and its links. Of the Spec it reads what is
// about the cluster: target, nodes, seed, mutant, toxiproxy, reset, limits.
func OpenBed(ctx context.Context, spec Spec, cfg BedConfig) (*Bed, error) {
	b := &Bed{netns: spec.Netns}
	var err error
	if spec.CommandConfig != "" {
		if b.secure, err = security.Read(spec.CommandConfig); err != nil {
			return nil, &Refused{err}
		}
	}
	if spec.Cluster != "" {
		if err := b.borrow(ctx, spec, cfg); err != nil {
			return nil, errors.Join(err, b.Close())
		}
		if err := b.openLinks(ctx, spec, cfg); err != nil {
			return nil, err
		}
		return b, nil
	}
	tc := target.Config{
		Seed: spec.seed(), Nodes: spec.Nodes, Mutant: spec.Mutant, DataDir: cfg.DataDir,
		Timeout: 30 * time.Second, WholeLimit: time.Duration(spec.WholeLimit), Log: cfg.Log, Value: cfg.Value, Security: b.secure,
		Progress: cfg.Progress,
	}
	tc.Peers = func(ctx context.Context, routes []target.Route) (err error) {
		pc := nemesis.PeerConfig{Seed: spec.Seed, Log: cfg.ToxiLog}
		for _, r := range routes {
			pc.Routes = append(pc.Routes, nemesis.Route(r))
		}
		b.peers, err = nemesis.OpenPeers(ctx, pc)
		return err
	}
	if b.cluster, err = target.Start(ctx, spec.Target, tc); err != nil {
		return nil, errors.Join(fmt.Errorf("start target %s: %w", spec.Target, err), b.Close())
	}
	if err := b.openLinks(ctx, spec, cfg); err != nil {
		return nil, err
	}
	return b, nil
}

// borrow takes a kept cluster, and the links between its nodes.
func (b *Bed) borrow(ctx context.Context, spec Spec, cfg BedConfig) error {
	cluster, info, err := keep.Borrow(ctx, spec.Cluster, time.Duration(spec.WholeLimit))
	if errors.Is(err, keep.ErrUnknown) {
		return &Refused{err}
	}
	if err != nil {
		return fmt.Errorf("use the kept cluster %s: %w", spec.Cluster, err)
	}
	b.cluster, b.kept = cluster, true
	if n := len(info.Nodes); spec.Target != info.Target || spec.Nodes != n {
		return &Refused{fmt.Errorf("cluster %s is %s of %d nodes, and not %s of %d", spec.Cluster, info.Target, n, spec.Target, spec.Nodes)}
	}
	if info.Peers != "" {
		b.peers, err = nemesis.JoinPeers(ctx, info.Peers, nemesis.PeerConfig{Routes: info.Routes, Seed: spec.Seed, Log: cfg.ToxiLog})
	}
	return err
}

// openLinks opens the clients' links. Where that fails, the bed is closed.
func (b *Bed) openLinks(ctx context.Context, spec Spec, cfg BedConfig) error {
	lc := nemesis.LinkConfig{
		Toxiproxy: spec.Toxiproxy, Seed: spec.Seed, Log: cfg.ToxiLog, Reset: spec.Reset,
	}
	if b.secure != nil {
		lc.Greet = b.secure.Greet
	}
	if spec.Proxies != "" {
		t, err := Topology(spec.Proxies)
		if err != nil {
			return errors.Join(&Refused{err}, b.Close())
		}
		lc.Adopt = t.Proxies
	}
	for _, n := range b.cluster.Nodes() {
		lc.Nodes = append(lc.Nodes, nemesis.Node{Name: n.Name, Addr: n.Addr, Upstream: n.Upstream, Listen: n.Listen})
	}
	var err error
	if b.links, err = nemesis.OpenLinks(ctx, lc); err != nil {
		return errors.Join(fmt.Errorf("open the links: %w", err), b.Close())
	}
	return nil
}

// Close ends the links and the cluster.
func (b *Bed) Close() error {
	var errs []error
	if b.links != nil {
		errs = append(errs, b.links.Close())
	}
	ends := []func() error{}
	if b.cluster != nil {
		ends = append(ends, b.cluster.Close)
	}
	if b.peers != nil { // after the nodes, which would dial in vain
		ends = append(ends, b.peers.Close)
	}
	if b.kept { // its links are joined: leave them before somebody else gets them
		slices.Reverse(ends)
	}
	for _, end := range ends {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// Cluster is what the bed stands on; it ends with the bed.
func (b *Bed) Cluster() target.Cluster { return b.cluster }

// nodeNames lists the nodes in the order of the broker ids.
func (b *Bed) nodeNames() []string {
	var names []string
	for _, n := range b.cluster.Nodes() {
		names = append(names, n.Name)
	}
	return names
}

// world is what the bed offers to the nemesis.
func (b *Bed) world() nemesis.World {
	w := nemesis.World{Links: b.links, Peers: b.peers, Netns: b.netns}
	w.Processes, _ = b.cluster.(nemesis.Processes)
	w.Admin, _ = b.cluster.(nemesis.Admin)
	return w
}

// startBed opens the run's own bed, or takes the one lent to it.
func (r *runner) startBed(ctx context.Context) error {
	if r.bed = r.opts.Bed; r.bed == nil {
		cfg := BedConfig{Log: r.log, ToxiLog: r.toxiLog, Value: r.valueOf, Progress: r.opts.Progress}
		if r.spec.Disk || time.Duration(r.spec.TimeLimit) > 10*time.Minute || r.spec.managed() {
			cfg.DataDir = filepath.Join(r.dir, "data")
		}
		var err error
		if r.bed, err = OpenBed(ctx, r.spec, cfg); err != nil {
			return err
		}
	}
	for _, n := range r.bed.cluster.Nodes() {
		r.logf("node %s id %d at %s", n.Name, n.ID, n.Addr)
	}
	return nil
}

// watchNodes writes into the history when a node ends without being told to.
func (r *runner) watchNodes() (stop func()) {
	w, ok := r.bed.cluster.(target.Watched)
	if !ok {
		return func() {}
	}
	return w.Watch(func(e target.Exit) {
		r.remark(e.String())
		r.logf("last lines of the log of %s:\n%s", e.Node, e.Log)
	})
}

// valueOf reads the value out of a record's payload, for a broken broker's ledger.
func (r *runner) valueOf(payload []byte) int64 {
	p, _, _ := client.DecodePayload(payload, r.runID, 0)
	return p.Value
}

// Clean proves that a run left nothing behind on a bed that goes on: no toxic on
// any link, every process at work, every broker of one mind about who is there.
func (b *Bed) Clean(ctx context.Context) error {
	left, err := b.links.Leftovers(ctx)
	errs := []error{err}
	if b.peers != nil {
		more, err := b.peers.Leftovers(ctx)
		left, errs = append(left, more...), append(errs, err)
	}
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("left on the links: %s", strings.Join(left, ", ")))
	}
	w := b.world()
	for _, n := range b.nodeNames() {
		if w.Processes != nil && w.Processes.PID(n) == 0 {
			errs = append(errs, fmt.Errorf("%s does not run", n))
		}
	}
	if err := b.cluster.Whole(ctx, nil); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
