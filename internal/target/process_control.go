package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Kill ends the node's process at once.
func (m *managed) Kill(ctx context.Context, name string) error {
	return m.drive(name, "kill", func(n *node) error { return n.kill(ctx) })
}

// Stop ends it gracefully.
func (m *managed) Stop(ctx context.Context, name string) error {
	return m.drive(name, "stop", func(n *node) error { return n.stop(ctx) })
}

// Pause stops it in its tracks.
func (m *managed) Pause(ctx context.Context, name string) error {
	return m.drive(name, "pause", func(n *node) error { return n.pause(ctx) })
}

// Resume lets it go on.
func (m *managed) Resume(ctx context.Context, name string) error {
	return m.drive(name, "resume", func(n *node) error { return n.resume(ctx) })
}

// Restart starts the node with its data, and returns when it answers. Where so
// few nodes run that none of them can answer, it returns when the node listens
// for its peers: whoever restarts all of them need not do so side by side.
func (m *managed) Restart(ctx context.Context, name string) error {
	return m.drive(name, "restart", func(n *node) error {
		if err := n.restart(ctx); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, time.Duration(m.file.Ready.Limit))
		defer cancel()
		if 2*m.running() > len(m.nodes) {
			return n.awaitReady(limited, 1)
		}
		for name, p := range m.file.Ports {
			if p.Peers && name != m.file.Clients {
				return n.await(limited, func(ctx context.Context) error { return n.accepts(ctx, name) })
			}
		}
		return nil
	})
}

// running counts the nodes that run.
func (m *managed) running() int {
	count := 0
	for _, n := range m.nodes {
		if n.running() {
			count++
		}
	}
	return count
}

// PID is the process of the node; 0: it does not run.
func (m *managed) PID(name string) int {
	n, err := m.find(name)
	if err != nil {
		return 0
	}
	return n.pid()
}

func (m *managed) drive(name, what string, do func(*node) error) error {
	n, err := m.find(name)
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	begin := time.Now()
	err = do(n)
	m.logf("%s %s: %v after %v", what, name, orDone(err), time.Since(begin).Round(time.Millisecond))
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	return nil
}

func orDone(err error) any {
	if err == nil {
		return "done"
	}
	return err
}

// LoseTail truncates the last bytes of a partition's log, in its newest segment,
// as a power loss does with what was not synced. The node must not run.
func (m *managed) LoseTail(ctx context.Context, name, topic string, partition int32, bytes int64) (int64, error) {
	n, err := m.find(name)
	if err != nil {
		return 0, fmt.Errorf("lose the tail of %s/%d: %w", topic, partition, err)
	}
	n.life.Lock()
	defer n.life.Unlock()
	lost, err := n.loseTail(topic, partition, bytes)
	if err != nil {
		return lost, fmt.Errorf("lose the tail of %s/%d on %s: %w", topic, partition, name, err)
	}
	m.logf("%s lost the last %d bytes of %s/%d", name, lost, topic, partition)
	return lost, nil
}

func (n *node) loseTail(topic string, partition int32, bytes int64) (int64, error) {
	if n.running() {
		return 0, errors.New("the node runs: kill it first")
	}
	p, err := n.SegmentFiles(topic, partition)
	if err != nil {
		return 0, err
	}
	segments, err := n.segments(topic, partition)
	if err != nil {
		return 0, err
	}
	last := segments[len(segments)-1]
	info, err := os.Stat(last)
	if err != nil {
		return 0, err
	}
	lost := min(bytes, info.Size())
	if err := os.Truncate(last, info.Size()-lost); err != nil {
		return 0, err
	}
	for _, pattern := range p.Spoil {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return lost, err
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return lost, err
			}
		}
	}
	return lost, nil
}

// segments lists the files of a partition's log, the oldest first.
func (n *node) segments(topic string, partition int32) ([]string, error) {
	p, err := n.SegmentFiles(topic, partition)
	if err != nil {
		return nil, err
	}
	if p.Segments == "" {
		return nil, fmt.Errorf("the cluster file of %s does not say where logs are: give it segments", n.cluster.file.Name)
	}
	files, err := filepath.Glob(p.Segments)
	if err != nil {
		return nil, fmt.Errorf("segments %s: %w", p.Segments, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no log of it: no file is called %s", n.Name, p.Segments)
	}
	slices.Sort(files)
	return files, nil
}
