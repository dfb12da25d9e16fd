package checker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// story builds a history of one log, entry by entry. Every call and return
// takes a millisecond of its own.
type story struct {
	ops  []histories.Op
	open map[int64]int
}

func (s *story) add(op histories.Op) *story {
	op.Index = int64(len(s.ops))
	op.Time = time.Duration(len(s.ops)) * time.Millisecond
	s.ops = append(s.ops, op)
	return s
}

// call begins an operation.
func (s *story) call(process int64, f histories.F, values ...int64) *story {
	op := histories.Op{Process: process, Type: histories.Invoke, F: f}
	switch f {
	case histories.Send:
		for _, v := range values {
			op.Mops = append(op.Mops, histories.Mop{Send: true, Value: v, Offset: histories.OffsetUnknown})
		}
	case histories.EndOffsets:
		op.Keys = []int64{0}
	case histories.Poll:
		op.Mops = []histories.Mop{{}}
	}
	if s.open == nil {
		s.open = map[int64]int{}
	}
	s.open[process] = len(s.ops)
	return s.add(op)
}

// end completes the operation that the process has in flight.
func (s *story) end(process int64, t histories.Type, result func(*histories.Op)) *story {
	call := s.ops[s.open[process]]
	op := histories.Op{Process: process, Type: t, F: call.F, Mops: slices.Clone(call.Mops), Keys: call.Keys}
	if result != nil {
		result(&op)
	}
	return s.add(op)
}

// sent acknowledges a send, with offsets from base on; -1 and -2 as in a history.
func (s *story) sent(process, base int64) *story {
	return s.end(process, histories.OK, func(op *histories.Op) {
		for i := range op.Mops {
			op.Mops[i].Offset = base
			if base >= 0 {
				op.Mops[i].Offset += int64(i)
			}
		}
	})
}

// send is a whole send.
func (s *story) send(process, base int64, values ...int64) *story {
	return s.call(process, histories.Send, values...).sent(process, base)
}

// ended is a whole end-offsets.
func (s *story) ended(process, end int64) *story {
	return s.call(process, histories.EndOffsets).end(process, histories.OK, func(op *histories.Op) {
		op.Offsets = []histories.KeyOffset{{Key: 0, Offset: end}}
	})
}

// polled completes a poll that fetched values from a position and was told a
// high watermark, -1 for none.
func (s *story) polled(process, position, watermark int64, values ...int64) *story {
	return s.end(process, histories.OK, func(op *histories.Op) {
		for i, v := range values {
			op.Recs = append(op.Recs, histories.Rec{Offset: position + int64(i), Value: v})
		}
		if len(values) > 0 {
			op.Runs = []histories.Run{{Key: 0, To: int32(len(values))}}
		}
		op.Mops[0].Polled, op.Mops[0].To = true, int32(len(op.Runs))
		op.Fetched = []histories.Fetched{{Key: 0, Position: position, HighWatermark: watermark, Epoch: -1}}
	})
}

func (s *story) poll(process, position, watermark int64, values ...int64) *story {
	return s.call(process, histories.Poll).polled(process, position, watermark, values...)
}

// judgeOrder runs the linearizable pass alone.
func judgeOrder(h histories.Header, o Options, ops []histories.Op) *Report {
	e := newEnv(h, true, o)
	r := newReport("linearizable", newLiveCounts())
	c := newLinearizable(e, r)
	for i := range ops {
		e.Facts.clock.observe(ops[i].Index, ops[i].Time)
		c.Observe(&ops[i])
	}
	c.Finish()
	return r
}

// kindsOf lists what was found, with the number of times.
func kindsOf(r *Report) string {
	n := map[Kind]int{}
	for _, c := range r.cases {
		n[c.Kind]++
	}
	var all []string
	for k, n := range n {
		all = append(all, fmt.Sprintf("%s×%d", k, n))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func contract(model string) histories.Header {
	yes, no := true, false
	return histories.Header{
		Format: histories.FormatVersion, Tailed: true,
		Logs: []histories.Log{{Key: 0, Topic: "t"}},
		Contract: histories.Contract{Acks: "all", Idempotence: &yes, Attempts: "single", UncleanElection: &no,
			Isolation: "read_uncommitted", Reads: model},
	}
}

// TestLinearizableStories: each kind of contradiction and its innocent twin.
func TestLinearizableStories(t *testing.T) {
	s := func() *story { return &story{} }
	for _, tt := range []struct {
		name   string
		model  string
		header func(*histories.Header)
		story  *story
		want   string
	}{
		{name: "in order", model: Strict, story: s().send(1, 0, 10).send(2, 1, 20).ended(3, 2).poll(4, 0, 2, 10, 20)},
		{name: "an ack below an earlier one", model: Strict, story: s().send(1, 5, 10).send(2, 3, 20), want: "offset-regression×1"},
		{name: "the same in session", model: Session, story: s().send(1, 5, 10).send(2, 3, 20)},
		{name: "and by one process in session", model: Session, story: s().send(1, 5, 10).send(1, 3, 20), want: "offset-regression×1"},
		{name: "the same at once", model: Strict, story: s().call(1, histories.Send, 10).call(2, histories.Send, 20).sent(1, 5).sent(2, 3)},
		{name: "the same offset again", model: Kafka, story: s().send(1, 5, 10).send(2, 5, 20), want: "offset-regression×1"},
		{name: "an end that moves back", model: Kafka, story: s().ended(1, 7).ended(2, 6), want: "end-offset-regression×1"},
		{name: "an end below an ack", model: Kafka, story: s().send(1, 5, 10).ended(2, 5), want: "nonlinearizable-log×1"},
		{name: "an end below what was read", model: Kafka, story: s().poll(1, 3, 5, 10, 20).ended(2, 4), want: "nonlinearizable-log×1"},
		{name: "an end at once with the append", model: Strict, story: s().call(1, histories.Send, 10).call(2, histories.EndOffsets).
			sent(1, 0).end(2, histories.OK, func(op *histories.Op) { op.Offsets = []histories.KeyOffset{{Offset: 0}} })},
		{name: "no end to be had", model: Strict, story: s().send(1, 5, 10).
			call(2, histories.EndOffsets).end(2, histories.OK, func(op *histories.Op) { op.Offsets = []histories.KeyOffset{{Offset: -1}} })},
		{name: "a stale fetch", model: Strict, story: s().send(1, 0, 10).poll(2, 0, 0), want: "nonlinearizable-log×1"},
		{name: "a stale fetch with records", model: Strict, story: s().send(1, 0, 10).send(1, 1, 11).poll(2, 0, 1, 10), want: "nonlinearizable-log×1"},
		{name: "a stale fetch without watermark", model: Strict, story: s().send(1, 0, 10).poll(2, 0, -1), want: "nonlinearizable-log×1"},
		{name: "as Kafka may", model: Kafka, story: s().send(1, 0, 10).poll(2, 0, 0)},
		{name: "older than the contract allows", model: Kafka, header: func(h *histories.Header) { h.Contract.StalenessMillis = 2 },
			story: s().send(1, 0, 10).ended(3, 1).ended(3, 1).poll(2, 0, 0), want: "stale-read×1"},
		{name: "not older", model: Kafka, header: func(h *histories.Header) { h.Contract.StalenessMillis = 200 },
			story: s().send(1, 0, 10).ended(3, 1).poll(2, 0, 0)},
		{name: "a short answer", model: Strict, story: s().send(1, 0, 10).send(1, 1, 11).poll(2, 0, -1, 10)},
		{name: "a watermark below its records", model: Strict, story: s().send(1, 0, 10).send(1, 1, 11).poll(2, 0, 1, 10, 11)},
		{name: "a new leader's watermark lags", model: Kafka, story: s().send(1, 0, 10).send(1, 1, 11).poll(2, 0, 2, 10, 11).poll(2, 2, 1)},
		{name: "one session goes back", model: Kafka, story: s().send(1, 0, 10).poll(2, 0, 1, 10).poll(2, 0, 0), want: "nonlinearizable-log×1"},
		{name: "it was told to read elsewhere", model: Kafka, story: s().send(1, 0, 10).poll(2, 0, 1, 10).
			call(2, histories.Assign).end(2, histories.OK, nil).poll(2, 0, 0)},
		{name: "committed reads", model: Strict, header: func(h *histories.Header) { h.Contract.Isolation = "read_committed" },
			story: s().send(1, 0, 10).poll(2, 0, 0).ended(3, 0)},
		{name: "an unknown write below an earlier ack", model: Kafka, story: s().send(1, 5, 10).
			call(2, histories.Send, 20).end(2, histories.Info, nil).send(1, 6, 11).poll(3, 3, -1, 20), want: "nonlinearizable-log×1"},
		{name: "it was seen before its client gave up", model: Kafka, story: s().send(1, 5, 10).
			call(2, histories.Send, 20).poll(3, 3, -1, 20).end(2, histories.Info, nil), want: "nonlinearizable-log×1"},
		{name: "it never came back", model: Kafka, story: s().send(1, 5, 10).
			call(2, histories.Send, 20).poll(3, 3, -1, 20), want: "nonlinearizable-log×1"},
		{name: "an unknown write that was late", model: Strict, story: s().call(2, histories.Send, 20).end(2, histories.Info, nil).
			send(1, 0, 10).send(1, 1, 11).poll(3, 0, 3, 10, 11, 20)},
		{name: "an ack without offset, found in order", model: Strict, story: s().send(1, 0, 10).send(2, -2, 20).send(1, 2, 11).poll(3, 0, 3, 10, 20, 11)},
		{name: "an ack without offset, found too low", model: Strict, story: s().send(1, 1, 10).send(2, -1, 20).poll(3, 0, 2, 20, 10), want: "nonlinearizable-log×1"},
		{name: "a refused write that shows up", model: Strict, story: s().send(1, 0, 10).
			call(2, histories.Send, 20).end(2, histories.Fail, nil).send(1, 2, 11).poll(3, 0, 3, 10, 20, 11)},
		{name: "a torn batch", model: Strict, story: s().send(1, 0, 10, 11, 12).ended(2, 3).call(3, histories.Send, 13, 14, 15).
			call(4, histories.EndOffsets).end(4, histories.OK, func(op *histories.Op) { op.Offsets = []histories.KeyOffset{{Offset: 4}} }).sent(3, 3),
			want: "nonlinearizable-log×1"},
		{name: "a batch that may be several", model: Strict, header: func(h *histories.Header) { h.Contract.Attempts = "retried" },
			story: s().call(3, histories.Send, 13, 14, 15).
				call(4, histories.EndOffsets).end(4, histories.OK, func(op *histories.Op) { op.Offsets = []histories.KeyOffset{{Offset: 1}} }).sent(3, 0)},
		{name: "an acknowledged record that was seen elsewhere is no witness", model: Strict, story: s().call(1, histories.Send, 10).
			poll(2, 0, 1, 10).sent(1, 900).send(3, 1, 11).ended(3, 2)},
		{name: "an offset beyond reason", model: Strict, story: s().send(1, 1<<62, 10).send(2, 0, 11).ended(3, 1)},
		{name: "one ack far too high", model: Strict, story: s().send(1, 0, 10).send(2, 700, 20).
			send(1, 2, 11).send(1, 3, 12).send(1, 4, 13).send(1, 5, 14).ended(3, 6), want: "offset-regression×2"},
		{name: "another log", model: Strict, story: s().send(1, 5, 10).call(2, histories.EndOffsets).
			end(2, histories.OK, func(op *histories.Op) { op.Offsets = []histories.KeyOffset{{Key: 7, Offset: 0}} })},
		{name: "completions of nothing", model: Strict, story: s().add(histories.Op{Process: 9, Type: histories.OK, F: histories.Send,
			Mops: []histories.Mop{{Send: true, Offset: 3, Value: 1}}}).send(1, 4, 10)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := contract(tt.model)
			if tt.header != nil {
				tt.header(&h)
			}
			r := judgeOrder(h, Options{}, tt.story.ops)
			if got := kindsOf(r); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			for i := range r.cases {
				c := &r.cases[i]
				if why := c.Why(c); len(why) < 40 || strings.Contains(why, "%!") {
					t.Errorf("says %q", why)
				}
				if len(c.ops()) != 2 || c.From > c.To {
					t.Errorf("case %+v lacks evidence", c)
				}
			}
			for _, u := range r.unknown {
				if u.Kind == CheckerDisagreement {
					t.Error(u.Why)
				}
			}
		})
	}
}

// TestLinearizableAllowed: without acks=all a lost acknowledgement is allowed
// and says by what.
func TestLinearizableAllowed(t *testing.T) {
	h := contract(Kafka)
	h.Contract.Acks = "1"
	r := judgeOrder(h, Options{}, (&story{}).send(1, 5, 10).send(2, 3, 20).ended(3, 9).ended(3, 8).ops)
	var got []string
	for _, c := range r.cases {
		got = append(got, string(c.Kind)+" "+c.AllowedBy)
	}
	if want := []string{"offset-regression acks=1", "end-offset-regression reads=kafka"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestLinearizablePerfect: simulated perfect clusters are innocent under their
// own model and every weaker one, and porcupine decides nearly all of it.
func TestLinearizablePerfect(t *testing.T) {
	for seed := range uint64(6) {
		for _, model := range []string{Strict, Kafka, Session} {
			o := histtest.Options{Seed: seed, Ops: 8000, Clients: 20, Logs: 2, InfoRate: 0.02}
			if model != Strict {
				o.StaleRate = 0.1
			}
			h := histtest.Valid(o)
			r := judgeOrder(h.Header, Options{Model: model}, h.Ops)
			for i := range r.cases {
				t.Errorf("seed %d, %s: %s: %s", seed, model, r.cases[i].Kind, r.cases[i].Why(&r.cases[i]))
			}
			for _, u := range r.unknown {
				t.Errorf("seed %d, %s: unknown: %s", seed, model, u.Why)
			}
			if r.judged.Windows < 4 || r.judged.WindowOps*100 < r.closed*99 || r.closed < int64(o.Ops)/2 {
				t.Errorf("seed %d, %s: %d windows with %d of %d operations", seed, model, r.judged.Windows, r.judged.WindowOps, r.closed)
			}
		}
	}
}

// TestLinearizablePages: a violation comes with a page of what is around it.
func TestLinearizablePages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "windows")
	s := &story{}
	s.add(histories.Op{Process: histories.Nemesis, F: histories.Inject, Type: histories.Info,
		Event: &histories.Event{ID: 1, Fault: "blackhole", On: []string{"node 2"}}})
	for i := range int64(600) {
		s.send(i%7, i, 1000+i)
		if i == 400 {
			s.ended(8, 350)
		}
	}
	r := judgeOrder(contract(Strict), Options{WindowDir: dir}, s.ops)
	if got := kindsOf(r); got != "nonlinearizable-log×1" {
		t.Fatalf("found %q", got)
	}
	c := r.cases[0]
	if c.Window != "windows/nonlinearizable-log-log0-1.html" {
		t.Errorf("the page is called %q", c.Window)
	}
	page, err := os.ReadFile(filepath.Join(dir, "..", c.Window))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"append [350, 351)", "blackhole", "denies", "proves"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if len(page) > 400<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// BenchmarkLinearizable: the pass alone, windows and porcupine included.
func BenchmarkLinearizable(b *testing.B) {
	o := histtest.Options{Seed: 1, Ops: 200_000, Clients: 50, Logs: 8, InfoRate: 0.01}
	h := histtest.Valid(o)
	b.ReportAllocs()
	start := time.Now()
	n := 0
	for b.Loop() {
		n += len(h.Ops) / 2
		if r := judgeOrder(h.Header, Options{}, h.Ops); len(r.cases) > 0 {
			b.Fatal(r.cases[0].Why(&r.cases[0]))
		}
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "ops/s")
}
