package keep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// keeper owns a cluster.
type keeper struct {
	info    Info
	cluster target.Cluster
	procs   nemesis.Processes // nil: there are none of ours
	admin   nemesis.Admin     // nil: nobody can be told to move leaders
	peers   *nemesis.Peers    // nil: the target does not route its nodes' traffic
	log     io.Writer
	down    chan struct{} // closed: somebody asked for the end
	end     func()

	mu    sync.Mutex
	user  string // who uses the cluster; empty: nobody
	pid   int    // its process
	left  bool   // the user is gone, and what it left broken is being mended
	exits []target.Exit
	more  chan struct{} // closed when there are more exits
}

// Keep starts a cluster and keeps it until ctx ends or Down is called. ready is
// called once it can be used; progress says what takes long before, and may be
// nil. Everything that was started has ended when Keep returns.
func Keep(ctx context.Context, name string, spec Spec, progress func(string), ready func()) (err error) {
	dir, err := Dir(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the cluster's directory: %w", err)
	}
	held, err := lock(dir)
	if err != nil {
		return fmt.Errorf("cluster %s: %w; take another name, or end it with ackproof cluster down %s", name, err, name)
	}
	defer held.Close()
	// What a keeper left behind that was killed.
	_ = os.Remove(filepath.Join(dir, socketFile))
	if err := os.RemoveAll(filepath.Join(dir, dataDir)); err != nil {
		return fmt.Errorf("remove what is left of an earlier cluster: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, LogFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the keeper's log: %w", err)
	}
	defer log.Close()
	k := &keeper{log: log, down: make(chan struct{}), more: make(chan struct{})}
	k.end = sync.OnceFunc(func() { close(k.down) })
	k.info = Info{Name: name, Target: spec.Target, Keeper: os.Getpid(), Started: time.Now()}
	defer func() { err = errors.Join(err, k.close(), os.RemoveAll(dir)) }()
	if err := k.start(ctx, dir, spec, progress); err != nil {
		return err
	}
	return k.serve(ctx, dir, ready)
}

// startLimit bounds the start, the fetch of a broker included.
const startLimit = 10 * time.Minute

// start starts the cluster, with the proxies between its nodes.
func (k *keeper) start(ctx context.Context, dir string, spec Spec, progress func(string)) error {
	cfg := target.Config{
		Nodes: spec.Nodes, DataDir: filepath.Join(dir, dataDir), Timeout: 30 * time.Second,
		WholeLimit: time.Hour, Log: k.log, Progress: progress, // each call has a limit of its own
	}
	cfg.Peers = func(ctx context.Context, routes []target.Route) (err error) {
		for _, r := range routes {
			k.info.Routes = append(k.info.Routes, nemesis.Route(r))
		}
		if k.peers, err = nemesis.OpenPeers(ctx, nemesis.PeerConfig{Routes: k.info.Routes, Seed: spec.Seed}); err == nil {
			k.info.Peers = k.peers.URL()
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var err error
	if k.cluster, err = target.Start(ctx, spec.Target, cfg); err != nil {
		return fmt.Errorf("start target %s: %w", spec.Target, err)
	}
	k.procs, k.info.Driven = k.cluster.(nemesis.Processes)
	k.admin, _ = k.cluster.(nemesis.Admin)
	k.info.Nodes = k.cluster.Nodes()
	if m, ok := k.cluster.(target.Metered); ok {
		k.info.Metrics = m.Metrics()
	}
	if w, ok := k.cluster.(target.Watched); ok {
		w.Watch(k.died)
	}
	return nil
}

// died notes a node that ended by itself.
func (k *keeper) died(e target.Exit) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.exits = append(k.exits, e)
	close(k.more)
	k.more = make(chan struct{})
}

// serve answers until the end.
func (k *keeper) serve(ctx context.Context, dir string, ready func()) error {
	ln, err := net.Listen("unix", filepath.Join(dir, socketFile))
	if err != nil {
		return fmt.Errorf("listen for those who use the cluster: %w", err)
	}
	srv := &http.Server{Handler: k.routes(), ReadHeaderTimeout: askLimit}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	ready()
	select {
	case err := <-failed:
		return fmt.Errorf("answer those who use the cluster: %w", err)
	case <-k.down:
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = srv.Shutdown(limited) // let the answer to Down out
	return srv.Close()
}

// close ends the cluster, and the proxies after it.
func (k *keeper) close() error {
	var errs []error
	if k.cluster != nil {
		errs = append(errs, k.cluster.Close())
	}
	if k.peers != nil {
		errs = append(errs, k.peers.Close())
	}
	return errors.Join(errs...)
}

// restoreLimit bounds how long it takes to bring every node back.
const restoreLimit = 90 * time.Second

// restore undoes whatever a user of the cluster has left: one that was killed
// heals nothing.
func (k *keeper) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreLimit)
	defer cancel()
	var errs []error
	if k.peers != nil {
		errs = append(errs, k.peers.Restore(ctx))
	}
	if k.procs != nil {
		var group sync.WaitGroup
		back := make([]error, len(k.info.Nodes))
		for i, n := range k.info.Nodes {
			group.Go(func() { back[i] = k.procs.Restart(ctx, n.Name) })
		}
		group.Wait()
		errs = append(errs, back...)
	}
	return errors.Join(errs...)
}

// lend gives the cluster to one user until its connection ends, however that
// comes about, and restores it afterwards.
func (k *keeper) lend(w http.ResponseWriter, r *http.Request) {
	var u user
	if err := decode(r, &u); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := k.take(r.Context(), u); err != nil {
		refuse(w, http.StatusConflict, err)
		return
	}
	defer k.giveBack()
	if err := k.restore(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, fmt.Errorf("cluster %s is not in order: %w", k.info.Name, err))
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	select {
	case <-r.Context().Done():
	case <-k.down:
		return
	}
	k.mu.Lock()
	k.left = true
	k.mu.Unlock()
	if err := k.restore(r.Context()); err != nil {
		fmt.Fprintf(k.log, "restore after %s: %v\n", u.Who, err)
	}
}

// takeEvery is the pause between two looks at a cluster that is about to be free.
const takeEvery = 20 * time.Millisecond

// take makes somebody the user, and refuses while there is another one. A user
// who has ended is waited for: one run may follow another at once.
func (k *keeper) take(ctx context.Context, u user) error {
	for {
		k.mu.Lock()
		by, pid, left := k.user, k.pid, k.left
		if by == "" {
			k.user, k.pid = u.Who, u.PID
			k.mu.Unlock()
			return nil
		}
		k.mu.Unlock()
		if !left && alive(pid) {
			return fmt.Errorf("cluster %s is used by %s: wait for its end, or keep another cluster", k.info.Name, by)
		}
		select {
		case <-time.After(takeEvery):
		case <-ctx.Done():
			return ctx.Err()
		case <-k.down:
			return fmt.Errorf("cluster %s is being ended", k.info.Name)
		}
	}
}

// alive tells whether there is such a process.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

func (k *keeper) giveBack() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.user, k.left = "", false
}
