package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Run is what a run shows of itself while it lasts, for Prometheus. A nil Run
// takes everything and shows nothing.
type Run struct {
	registry  *prometheus.Registry
	ops       *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	faults    *prometheus.GaugeVec
	anomalies *prometheus.GaugeVec
	lag       prometheus.Gauge
	slowed    prometheus.Gauge
	elapsed   prometheus.Gauge
	phase     *prometheus.GaugeVec
}

// NewRun makes the metrics of a run, in a registry of their own.
func NewRun() *Run {
	m := &Run{
		registry: prometheus.NewRegistry(),
		ops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ackproof_operations_total", Help: "Operations completed, by operation and outcome."}, []string{"f", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ackproof_operation_seconds", Help: "Time from invocation to completion, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"f"}),
		faults: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ackproof_fault_active", Help: "1 for each fault that acts now."}, []string{"fault"}),
		anomalies: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ackproof_anomalies", Help: "Findings so far, by kind. What follows from another finding is only told apart by the verdict."}, []string{"kind"}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ackproof_checker_lag_seconds", Help: "How far the live checker is behind what is recorded."}),
		slowed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ackproof_clients_held", Help: "1 while the clients wait for the live checker."}),
		elapsed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ackproof_run_seconds", Help: "Time since the run began."}),
		phase: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ackproof_run_phase", Help: "1 for the phase that the run is in."}, []string{"phase"}),
	}
	m.registry.MustRegister(m.ops, m.latency, m.faults, m.anomalies, m.lag, m.slowed, m.elapsed, m.phase)
	return m
}

// Completed counts an operation's completion.
func (m *Run) Completed(f, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	m.ops.WithLabelValues(f, outcome).Inc()
	m.latency.WithLabelValues(f).Observe(took.Seconds())
}

// Moment is what a run looks like now.
type Moment struct {
	Elapsed, Lag time.Duration
	Slowed       bool // the clients wait for the checker
	Phase        string
	Active       []string         // faults acting now
	Anomalies    map[string]int64 // findings so far, by kind
}

// Show replaces what was shown of the moment before.
func (m *Run) Show(now Moment) {
	if m == nil {
		return
	}
	m.elapsed.Set(now.Elapsed.Seconds())
	m.lag.Set(now.Lag.Seconds())
	m.slowed.Set(0)
	if now.Slowed {
		m.slowed.Set(1)
	}
	m.phase.Reset()
	m.phase.WithLabelValues(now.Phase).Set(1)
	m.faults.Reset()
	for _, f := range now.Active {
		m.faults.WithLabelValues(f).Set(1)
	}
	for kind, n := range now.Anomalies {
		m.anomalies.WithLabelValues(kind).Set(float64(n))
	}
}

// Serve serves /metrics on addr, host:port, until stop is called, and returns
// its URL.
func (m *Run) Serve(addr string) (url string, stop func() error, err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("serve metrics on %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	stop = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := srv.Shutdown(ctx)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return "http://" + ln.Addr().String() + "/metrics", stop, nil
}
