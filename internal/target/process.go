package target

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
	"github.com/ackproof/ackproof/internal/target/procs"
)

// managed is a cluster whose nodes are processes that we start, drive and end.
type managed struct {
	file    *clusterfile.File
	cfg     Config
	version string // of the broker, where it is known
	block   *block
	dir     string // the nodes' directories are below it
	ours    bool   // the directory goes with the cluster
	nodes   []*node
	admin   *admin
	close   func() error

	mu      sync.Mutex
	topic   created // what the topics were created with
	topics  []string
	placed  int // partitions placed so far; the next leader in turn follows from it
	watcher func(Exit)
	discard bool // the data go with the cluster
}

// startProcess starts the cluster of the file that cfg.Arg names.
func startProcess(ctx context.Context, cfg Config) (Cluster, error) {
	file, err := loadProcess(cfg.Arg)
	if err != nil {
		return nil, err
	}
	return startManaged(ctx, file, cfg, nil, "")
}

// checkProcess reads the cluster file.
func checkProcess(arg string) error {
	_, err := loadProcess(arg)
	return err
}

func loadProcess(arg string) (*clusterfile.File, error) {
	if arg == "" {
		return nil, fmt.Errorf("target process: want a cluster file, process:FILE, or one that is shipped: %v", clusterfile.Shipped())
	}
	return clusterfile.Load(arg)
}

// startManaged starts the nodes and waits until they can be used. vars replace
// variables of the file. What was started is ended again where that fails.
func startManaged(ctx context.Context, file *clusterfile.File, cfg Config, vars map[string]string, version string) (Cluster, error) {
	if err := procs.CheckPlatform(); err != nil {
		return nil, err
	}
	if cfg.Mutant != "" {
		return nil, fmt.Errorf("mutant %s: only the embedded target can be broken; leave out the target or the mutant", cfg.Mutant)
	}
	if cfg.Nodes == 0 {
		cfg.Nodes = file.Nodes
	}
	if err := file.CheckNodes(cfg.Nodes); err != nil {
		return nil, err
	}
	m := &managed{file: file, cfg: cfg, version: version}
	m.close = sync.OnceValue(m.end)
	if err := m.start(ctx, vars); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", file.Name, err), m.Close())
	}
	return m, nil
}

func (m *managed) start(ctx context.Context, vars map[string]string) error {
	rendered, err := m.lay(vars)
	if err != nil {
		return err
	}
	if m.cfg.Peers != nil && len(rendered.Routes) > 0 {
		if err := m.cfg.Peers(ctx, routes(rendered)); err != nil {
			return err
		}
	}
	for i := range rendered.Nodes {
		n := newNode(m, &rendered.Nodes[i])
		m.nodes = append(m.nodes, n)
		if n.ask, err = newAsker(n.Upstream); err != nil {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, n := range m.nodes {
		g.Go(func() error { return n.first(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := m.awaitReady(ctx); err != nil {
		return err
	}
	if m.admin, err = m.newAdmin(); err != nil {
		return err
	}
	return m.warm(ctx)
}

// lay chooses directory and addresses and fills in the file.
func (m *managed) lay(vars map[string]string) (*clusterfile.Rendered, error) {
	var err error
	if m.dir = m.cfg.DataDir; m.dir == "" {
		m.ours = true
		if m.dir, err = os.MkdirTemp("", "ackproof-cluster-"); err != nil {
			return nil, fmt.Errorf("make a directory for the nodes: %w", err)
		}
	}
	if m.dir, err = filepath.Abs(m.dir); err != nil {
		return nil, fmt.Errorf("directory of the nodes: %w", err)
	}
	if m.block, err = takeBlock(m.file, m.cfg.Nodes); err != nil {
		return nil, err
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("draw a cluster id: %w", err)
	}
	id[0] &= 0x7f // no id begins with a dash, which would look like an option
	r, err := m.file.Render(clusterfile.Layout{
		Block: m.block.number, Nodes: m.cfg.Nodes, Dir: m.dir, Routed: m.cfg.Peers != nil,
		ClusterID: base64.RawURLEncoding.EncodeToString(id[:]), Vars: vars,
	})
	if err != nil {
		return nil, err
	}
	m.logf("addresses 127.%d.0.0/16, directory %s", m.block.number, m.dir)
	return r, nil
}

func routes(r *clusterfile.Rendered) []Route {
	out := make([]Route, len(r.Routes))
	for i, route := range r.Routes {
		out[i] = Route(route)
	}
	return out
}

// newAdmin returns an administrative client, which goes round the links.
func (m *managed) newAdmin() (*admin, error) {
	var addrs []string
	real := map[string]string{}
	for _, n := range m.nodes {
		addrs = append(addrs, n.Advertised)
		real[n.Advertised] = n.Upstream
	}
	cfg := m.cfg
	cfg.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		to, ok := real[addr]
		if !ok {
			return nil, fmt.Errorf("dial %s: no node of this cluster is known by that address", addr)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, to)
	}
	return newAdmin(addrs, cfg)
}

// Close implements Cluster. It ends every process and gives the addresses back;
// logs and files stay where a directory was given.
func (m *managed) Close() error { return m.close() }

func (m *managed) end() error {
	var g errgroup.Group
	for _, n := range m.nodes {
		g.Go(n.end)
	}
	errs := []error{g.Wait()}
	if m.admin != nil {
		m.admin.close()
	}
	if m.block != nil {
		errs = append(errs, m.block.free())
	}
	if m.ours && m.dir != "" {
		errs = append(errs, os.RemoveAll(m.dir))
	} else if m.discard {
		for _, n := range m.nodes {
			errs = append(errs, os.RemoveAll(n.Data))
		}
	}
	return errors.Join(errs...)
}

// DiscardData implements Disposable.
func (m *managed) DiscardData() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.discard = true
}

// Watch implements Watched.
func (m *managed) Watch(f func(Exit)) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watcher = f
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watcher = nil
	}
}

// died tells whoever watches of a node that ended without being told to.
func (m *managed) died(e Exit) {
	m.logf("%s", e)
	m.mu.Lock()
	f := m.watcher
	m.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// find returns the node of this name.
func (m *managed) find(name string) (*node, error) {
	var known []string
	for _, n := range m.nodes {
		if n.Name == name {
			return n, nil
		}
		known = append(known, n.Name)
	}
	return nil, fmt.Errorf("no node %q; there are: %v", name, known)
}

func (m *managed) logf(format string, args ...any) {
	if m.cfg.Log != nil {
		fmt.Fprintf(m.cfg.Log, "%s: %s\n", m.file.Name, fmt.Sprintf(format, args...))
	}
}

// Ledger implements Cluster: nobody broke this cluster on purpose.
func (m *managed) Ledger(io.Writer) error { return nil }
