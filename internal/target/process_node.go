package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
	"github.com/ackproof/ackproof/internal/target/procs"
)

const (
	// signalLimit is how long the kernel may take to end or to stop a process.
	signalLimit = 10 * time.Second
	// tailLines is how much of a node's log stands in an error.
	tailLines = 12
)

// node is one node of a managed cluster.
type node struct {
	clusterfile.Node
	cluster *managed
	ask     *asker

	life sync.Mutex // one change of state at a time

	mu     sync.Mutex
	proc   *procs.Process // nil: none was started, or an override drives it
	wanted bool           // it shall run: an end is a death
	paused bool
	begin  int64 // size of the log when it was started
}

func newNode(m *managed, r *clusterfile.Node) *node { return &node{cluster: m, Node: *r} }

// first prepares the node and starts it.
func (n *node) first(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	if err := n.Write(); err != nil {
		return err
	}
	n.cleanup(ctx)
	for _, c := range n.Prepare {
		out, err := procs.Run(ctx, n.command(c))
		n.note(out)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", n.Name, err)
		}
	}
	return n.launch()
}

func (n *node) command(argv []string) procs.Command {
	return procs.Command{Argv: argv, Env: n.Env, Dir: n.Dir, Log: n.Log}
}

// note appends to the node's log.
func (n *node) note(text string) {
	f, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(text)
}

// launch starts the process and watches it.
func (n *node) launch() error {
	size := int64(0)
	if info, err := os.Stat(n.Log); err == nil {
		size = info.Size()
	}
	p, err := procs.Start(n.command(n.Command))
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	n.mu.Lock()
	n.proc, n.wanted, n.paused, n.begin = p, true, false, size
	n.mu.Unlock()
	n.cluster.logf("%s runs as process %d", n.Name, p.PID())
	go func() {
		<-p.Done()
		n.mu.Lock()
		dead := n.wanted && n.proc == p
		n.wanted = n.wanted && !dead
		n.mu.Unlock()
		if dead {
			n.cluster.died(Exit{Node: n.Name, How: p.Ended(), Log: procs.Tail(n.Log, tailLines)})
		}
	}()
	return nil
}

// process returns the process, if it runs.
func (n *node) process() (p *procs.Process, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc, n.proc != nil && n.proc.Alive()
}

// unwant says that the end that comes now is no death.
func (n *node) unwant() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted = false
}

// running tells whether the node is meant to run and does; paused is running.
func (n *node) running() bool { return n.pid() != 0 }

// pid is the process that serves; 0: none.
func (n *node) pid() int {
	if len(n.PID) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), signalLimit)
		defer cancel()
		out, err := procs.Run(ctx, n.command(n.PID))
		pid, perr := strconv.Atoi(strings.TrimSpace(out))
		if err != nil || perr != nil {
			return 0
		}
		return pid
	}
	if p, ok := n.process(); ok {
		return p.PID()
	}
	return 0
}

// override runs the file's own command for a change of state.
func (n *node) override(ctx context.Context, argv []string) error {
	out, err := procs.Run(ctx, n.command(argv))
	n.note(out)
	return err
}

// kill ends the node at once.
func (n *node) kill(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	n.unwant()
	if len(n.Kill) > 0 {
		if err := n.override(ctx, n.Kill); err != nil {
			return err
		}
	}
	p, ok := n.process()
	if !ok {
		return nil
	}
	if len(n.Kill) > 0 {
		return p.Await(ctx)
	}
	return p.Kill(ctx)
}

// stop ends the node as its cluster file says. One that does not end within the
// limit is killed, which is an error.
func (n *node) stop(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	n.unwant()
	p, ok := n.process()
	if !ok && len(n.Stop) == 0 {
		return nil
	}
	if err := n.signal(ctx, syscall.SIGCONT, n.Resume, false); err != nil {
		return err
	}
	limit := time.Duration(n.cluster.file.Stop.Limit)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if len(n.Stop) > 0 {
		if err := n.override(ctx, n.Stop); err != nil || !ok {
			return err
		}
	} else if err := p.Signal(syscall.Signal(n.cluster.file.Stop.Signal)); err != nil {
		return err
	}
	if p.Await(ctx) == nil {
		return nil
	}
	kctx, kcancel := context.WithTimeout(context.WithoutCancel(ctx), signalLimit)
	defer kcancel()
	return errors.Join(fmt.Errorf("%s did not end by itself within %v and was killed", n.Name, limit), p.Kill(kctx))
}

// restart starts the node again, if it does not run.
func (n *node) restart(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	if n.running() {
		return n.signal(ctx, syscall.SIGCONT, n.Resume, false)
	}
	if len(n.Restart) > 0 {
		return n.override(ctx, n.Restart)
	}
	return n.launch()
}

// pause and resume stop the node in its tracks and let it go on.
func (n *node) pause(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	return n.signal(ctx, syscall.SIGSTOP, n.Pause, true)
}

func (n *node) resume(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	return n.signal(ctx, syscall.SIGCONT, n.Resume, false)
}

// signal pauses or resumes, and waits until the kernel has done it.
func (n *node) signal(ctx context.Context, s syscall.Signal, override []string, pause bool) error {
	n.mu.Lock()
	was := n.paused
	n.mu.Unlock()
	if was == pause {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	if len(override) > 0 {
		if err := n.override(ctx, override); err != nil {
			return err
		}
	} else {
		p, ok := n.process()
		if !ok {
			return fmt.Errorf("%s does not run: %s", n.Name, n.how())
		}
		if err := p.Signal(s); err != nil {
			return err
		}
		if err := p.AwaitStopped(ctx, pause); err != nil {
			return err
		}
	}
	n.mu.Lock()
	n.paused = pause
	n.mu.Unlock()
	return nil
}

// how says how the process ended.
func (n *node) how() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return "it was never started"
	}
	return n.proc.Ended()
}

// end ends everything of the node.
func (n *node) end() error {
	n.life.Lock()
	defer n.life.Unlock()
	n.unwant()
	if n.ask != nil {
		n.ask.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), signalLimit)
	defer cancel()
	var err error
	if p, ok := n.process(); ok {
		err = p.Kill(ctx)
	}
	n.cleanup(ctx)
	return err
}

// cleanup removes what another start, or a killed ackproof, left behind outside
// of process groups: containers.
func (n *node) cleanup(ctx context.Context) {
	if len(n.Cleanup) > 0 {
		_ = n.override(ctx, n.Cleanup) // there may be nothing to remove
	}
}
