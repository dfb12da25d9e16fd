package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
	"github.com/ackproof/ackproof/internal/target/procs"
)

// readyEvery is the pause between two looks at a node that starts: it has
// better things to do than to answer.
const readyEvery = 100 * time.Millisecond

// awaitReady waits until every node went through every readiness step.
func (m *managed) awaitReady(ctx context.Context) error {
	limit := time.Duration(m.file.Ready.Limit)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	g, gctx := errgroup.WithContext(limited)
	for _, n := range m.nodes {
		g.Go(func() error { return n.awaitReady(gctx, len(m.nodes)) })
	}
	err := g.Wait()
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// awaitReady goes through the steps. brokers is how many nodes the node must
// know; 1: itself is enough.
func (n *node) awaitReady(ctx context.Context, brokers int) error {
	begin := time.Now()
	for i, s := range n.Steps {
		check := n.step(s, brokers)
		if err := n.await(ctx, check); err != nil {
			return fmt.Errorf("%s is not ready after %v: readiness step %d (%s): %w\nlast lines of its log %s:\n%s",
				n.Name, time.Since(begin).Round(100*time.Millisecond), i+1, stepName(s), err, n.Log, procs.Tail(n.Log, tailLines))
		}
	}
	return nil
}

// await repeats a check until it succeeds, the node ends, or the time is up.
func (n *node) await(ctx context.Context, check func(context.Context) error) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err // an error that the deadline made says nothing new
		}
		if p, ok := n.process(); p != nil && !ok {
			return fmt.Errorf("the process has ended: %s", p.Ended())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last
		}
	}
}

func stepName(s clusterfile.Step) string {
	switch {
	case s.TCP != "":
		return "tcp: " + s.TCP
	case s.HTTP.Value != "":
		return "http: " + s.HTTP.Value
	case s.Log.Value != "":
		return "log: " + s.Log.Value
	}
	return "brokers"
}

func (n *node) step(s clusterfile.Step, brokers int) func(context.Context) error {
	switch {
	case s.TCP != "":
		return func(ctx context.Context) error { return n.accepts(ctx, s.TCP) }
	case s.HTTP.Value != "":
		return func(ctx context.Context) error { return getOK(ctx, s.HTTP.Value) }
	case s.Log.Value != "":
		return func(context.Context) error { return n.logged(s.Log.Value) }
	}
	return func(ctx context.Context) error { return n.knows(ctx, brokers) }
}

// accepts tells whether somebody listens on a port.
func (n *node) accepts(ctx context.Context, port string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", n.Ports[port])
	if err != nil {
		return err
	}
	return c.Close()
}

func getOK(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answers %s", resp.Status)
	}
	return nil
}

// logged looks for a text in what the node logged since it was started.
func (n *node) logged(text string) error {
	f, err := os.Open(n.Log)
	if err != nil {
		return err
	}
	defer f.Close()
	n.mu.Lock()
	begin := n.begin
	n.mu.Unlock()
	if _, err := f.Seek(begin, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !strings.Contains(string(b), text) {
		return errors.New("the log does not hold that text")
	}
	return nil
}

// knows tells whether the node answers and lists itself, and that many brokers.
func (n *node) knows(ctx context.Context, brokers int) error {
	v, err := n.ask.metadata(ctx, nil)
	if err != nil {
		return err
	}
	if len(v.brokers) < brokers || !slices.Contains(v.brokers, int32(n.ID)) {
		return fmt.Errorf("it lists the brokers %v, want %d of them", v.brokers, brokers)
	}
	return nil
}
