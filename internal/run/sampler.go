package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// sampleEvery is the pause between two looks at the cluster. A look that is
// not answered by then is given up, and says so.
const sampleEvery = 5 * time.Second

// stater is a cluster that says what its brokers say of themselves.
type stater interface {
	State(ctx context.Context, topics ...string) (histories.ClusterState, error)
}

// sampler looks at the cluster every few seconds, going round the links, and
// writes what it sees into the history.
type sampler struct {
	note    func(*histories.Op)
	topics  []string
	state   stater            // nil: the cluster does not tell
	procs   nemesis.Processes // nil: the nodes' processes are not ours
	nodes   []string
	metrics []metrics.Node
	all     *os.File // every series of every scrape; nil: there are no metrics
	clock   func() time.Duration

	quit chan struct{}
	done sync.WaitGroup
}

// startSampler begins with a first look, so that there is one from before the faults.
func (r *runner) startSampler(ctx context.Context) (*sampler, error) {
	s := &sampler{note: r.note, topics: r.topics, nodes: r.bed.nodeNames(), clock: r.rec.Now, quit: make(chan struct{})}
	s.state, _ = r.bed.cluster.(stater)
	s.procs = r.bed.world().Processes
	if m, ok := r.bed.cluster.(target.Metered); ok {
		s.metrics = m.Metrics()
	}
	own, err := r.spec.metrics(s.nodes)
	if err != nil {
		return nil, &Refused{err}
	}
	if s.metrics = append(s.metrics, own...); len(s.metrics) > 0 {
		if s.all, err = os.Create(filepath.Join(r.dir, histories.MetricsFile)); err != nil {
			return nil, fmt.Errorf("create the file of metrics: %w", err)
		}
	}
	s.done.Go(func() { s.run(ctx) })
	return s, nil
}

// stopSampler ends the sampler, if it still runs.
func (r *runner) stopSampler(ctx context.Context) error {
	s := r.sampler
	if r.sampler = nil; s == nil {
		return nil
	}
	return s.stop(ctx)
}

func (s *sampler) run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-tick.C:
		case <-s.quit:
			return
		case <-ctx.Done():
			return
		}
	}
}

// stop takes a last look, so that there is one from after the heal, and ends.
func (s *sampler) stop(ctx context.Context) error {
	close(s.quit)
	s.done.Wait()
	s.look(ctx)
	if s.all != nil {
		return s.all.Close()
	}
	return nil
}

// look asks everybody at the same time.
func (s *sampler) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sampleEvery)
	defer cancel()
	var group sync.WaitGroup
	if s.state != nil {
		group.Go(func() {
			state, err := s.state.State(ctx, s.topics...)
			if err != nil {
				state.Error = err.Error()
			}
			s.note(&histories.Op{F: histories.State, Event: &histories.Event{ID: -1, State: &state}})
		})
	}
	if s.procs != nil || len(s.metrics) > 0 {
		samples := make([]histories.NodeSample, len(s.nodes))
		for i, node := range s.nodes {
			samples[i] = histories.NodeSample{Node: node, Values: map[string]float64{}}
			group.Go(func() { s.sample(ctx, &samples[i]) })
		}
		group.Wait()
		s.note(&histories.Op{F: histories.Sample, Event: &histories.Event{ID: -1, Samples: samples}})
	}
	group.Wait()
}

// sample asks the kernel and the node's metrics.
func (s *sampler) sample(ctx context.Context, to *histories.NodeSample) {
	var failed []error
	if s.procs != nil {
		failed = append(failed, s.usage(to))
	}
	for _, m := range s.metrics {
		if m.Name != to.Node {
			continue
		}
		got, err := m.Scrape(ctx)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for name, v := range finite(got.Values) {
			to.Values[name] = v
		}
		if len(got.Missing) > 0 {
			failed = append(failed, errors.New("it has no metric "+strings.Join(got.Missing, ", ")))
		}
		failed = append(failed, s.save(to.Node, got.All))
	}
	if err := errors.Join(failed...); err != nil {
		to.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}

// usage is what the node's process holds. A node that does not run holds nothing
// that could be measured.
func (s *sampler) usage(to *histories.NodeSample) error {
	pid := s.procs.PID(to.Node)
	if pid == 0 {
		return errors.New("its process does not run")
	}
	u, err := proc.Of(pid)
	if err != nil {
		return err
	}
	to.Values["rss_bytes"] = float64(u.RSS)
	to.Values["threads"] = float64(u.Threads)
	to.Values["open_files"] = float64(u.FDs)
	to.Values["open_sockets"] = float64(u.Sockets)
	return nil
}

// save writes every series that a node showed. One write a line: looks at
// several nodes are taken at once.
func (s *sampler) save(node string, all map[string]float64) error {
	b, err := json.Marshal(struct {
		Time   int64              `json:"time"` // ns since the run's start
		Node   string             `json:"node"`
		Values map[string]float64 `json:"values"`
	}{int64(s.clock()), node, finite(all)})
	if err == nil {
		_, err = s.all.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save metrics: %w", err)
	}
	return nil
}

// finite leaves out what JSON cannot say: NaN and the infinities.
func finite(all map[string]float64) map[string]float64 {
	maps.DeleteFunc(all, func(_ string, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	return all
}

// metrics are the nodes whose metrics the Spec names, by the names it gives them.
func (s Spec) metrics(nodes []string) ([]metrics.Node, error) {
	var names []metrics.Mapping
	for _, m := range s.MetricNames {
		name, series, _ := strings.Cut(m, "=")
		parsed, err := metrics.ParseSeries(series)
		if err != nil || name == "" {
			return nil, fmt.Errorf("metric name %q: want NAME=SERIES, such as produce_errors=produce_total{result=\"error\"}", m)
		}
		names = append(names, metrics.Mapping{Name: name, Series: parsed})
	}
	var out []metrics.Node
	for _, m := range s.Metrics {
		node, url, ok := strings.Cut(m, "=")
		if !ok || !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			return nil, fmt.Errorf("metrics %q: want NODE=URL, such as n1=http://127.0.0.1:9101/metrics", m)
		}
		if nodes != nil {
			if _, err := ByName("node", node, nodes, func(n string) string { return n }); err != nil {
				return nil, fmt.Errorf("metrics %q: %w", m, err)
			}
		}
		out = append(out, metrics.Node{Name: node, URL: url, Maps: names})
	}
	return out, nil
}
