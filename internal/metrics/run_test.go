package metrics

import (
	"testing"
	"time"
)

// TestRunShowsItself reads a run's own metrics as it reads a broker's.
func TestRunShowsItself(t *testing.T) {
	m := NewRun()
	url, stop, err := m.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Completed("send", "ok", 3*time.Millisecond)
	m.Completed("send", "ok", 5*time.Millisecond)
	m.Completed("poll", "info", time.Second)
	m.Show(Moment{Elapsed: 2 * time.Second, Phase: "calm", Active: []string{"stall n1"}})
	m.Show(Moment{Elapsed: 3 * time.Second, Lag: 250 * time.Millisecond, Phase: "faults", Active: []string{"down n2"}, Anomalies: map[string]int64{"lost-write": 4}})
	n := Node{Name: "ackproof", URL: url}
	got, err := n.Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for series, want := range map[string]float64{
		`ackproof_operations_total{f="send",outcome="ok"}`:   2,
		`ackproof_operations_total{f="poll",outcome="info"}`: 1,
		`ackproof_operation_seconds_count{f="send"}`:         2,
		`ackproof_fault_active{fault="down n2"}`:             1,
		`ackproof_anomalies{kind="lost-write"}`:              4,
		`ackproof_run_phase{phase="faults"}`:                 1,
		`ackproof_checker_lag_seconds`:                       0.25,
		`ackproof_run_seconds`:                               3,
	} {
		if v, ok := got.All[series]; !ok || v != want {
			t.Errorf("%s is %v (%t), want %v", series, v, ok, want)
		}
	}
	for _, past := range []string{`ackproof_fault_active{fault="stall n1"}`, `ackproof_run_phase{phase="calm"}`} {
		if _, ok := got.All[past]; ok {
			t.Errorf("%s is still shown", past)
		}
	}
	if _, _, err := m.Serve("127.0.0.1:http-no"); err == nil {
		t.Error("served on an address that is none")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := n.Scrape(t.Context()); err == nil {
		t.Error("served after the stop")
	}
	var none *Run
	none.Completed("send", "ok", 0)
	none.Show(Moment{})
}
