package museum

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
)

// brokenClient is a client that does what no broker can make a sound one do.
type brokenClient struct {
	name string
	kind checker.Kind
	// followers are what else the same sins may be convicted of.
	followers []checker.Kind
	new       func(l *clientLedger) func(client.Conn) client.Conn
	tune      func(*run.Spec) // nil: nothing
}

var brokenClients = []brokenClient{
	{
		// Consumers leave out what lies below their position, whatever a broker sends.
		name: "rewinds", kind: checker.NonmonotonicPoll,
		new: func(l *clientLedger) func(client.Conn) client.Conn {
			return func(c client.Conn) client.Conn { return &rewinder{Conn: c, ledger: l, last: map[int64]int64{}} }
		},
	},
	{
		// A broker cannot show what it was not sent.
		name: "sends-ahead", kind: checker.FutureRead,
		followers: []checker.Kind{checker.OffsetRegression, checker.NonlinearizableLog},
		new: func(l *clientLedger) func(client.Conn) client.Conn {
			s := &sentAhead{ledger: l, offsets: map[int64]int64{}, shown: map[int64]chan struct{}{}}
			return func(c client.Conn) client.Conn { return &aheadSender{Conn: c, all: s} }
		},
		// Where the next record goes is known, and that it comes alone.
		tune: func(s *run.Spec) { s.Topics, s.Partitions, s.Batch = 1, 1, 1 },
	},
}

// clientLedger is what broken clients wrote down of their sins, by log and offset,
// and whether each is in the history for certain.
type clientLedger struct {
	mu   sync.Mutex
	sins map[[2]int64]bool
}

func (l *clientLedger) sin(log, offset int64, proven bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sins[[2]int64{log, offset}] = proven
}

// proven counts the sins that must be convicted.
func (l *clientLedger) proven() (n int) {
	for _, proven := range l.sins {
		if proven {
			n++
		}
	}
	return n
}

// rewindEvery is in how many polls of a client it goes back once.
const rewindEvery = 40

// rewinder goes back a few records now and then before it polls, and does not say so.
type rewinder struct {
	client.Conn
	ledger *clientLedger
	keys   []int64         // the assignment
	last   map[int64]int64 // by log: the offset polled last
	polls  int
}

func (r *rewinder) Do(ctx context.Context, op *histories.Op) {
	if op.F != histories.Poll {
		assigns := op.F == histories.Assign
		r.Conn.Do(ctx, op)
		if assigns && op.Type == histories.OK {
			r.keys = append(r.keys[:0], op.Keys...)
			clear(r.last)
		}
		return
	}
	r.polls++
	back := false
	if r.polls%rewindEvery == 0 && len(r.last) > 0 {
		seek := &histories.Op{Process: op.Process, F: histories.Assign, Keys: slices.Clone(r.keys), Seek: histories.Seek{To: histories.SeekBack, Back: 3}}
		r.Conn.Do(ctx, seek)
		back = seek.Type == histories.OK
	}
	r.Conn.Do(ctx, op)
	for key, rec := range op.Polled() {
		if last, ok := r.last[key]; ok && back && op.Type == histories.OK && rec.Offset <= last {
			r.ledger.sin(key, rec.Offset, true)
			back = len(r.keys) > 1 // once a log
		}
		r.last[key] = rec.Offset
	}
}

// sentAhead are the records that were sent before anybody asked for it.
type sentAhead struct {
	ledger  *clientLedger
	mu      sync.Mutex
	began   time.Time               // when the first client had sent something
	offsets map[int64]int64         // by value
	shown   map[int64]chan struct{} // by value, closed once a reader has it and went on
}

// aheadSender sends the record that it will be asked to send next.
type aheadSender struct {
	client.Conn
	all   *sentAhead
	sends int
	got   []int64 // values that its last poll returned
}

// stride is by how much the values of a client's records differ: the number of
// clients.
const stride = 15

func (a *aheadSender) Do(ctx context.Context, op *histories.Op) {
	a.wentOn()
	switch op.F {
	case histories.Poll:
		a.Conn.Do(ctx, op)
		if op.Type == histories.OK {
			for _, rec := range op.Polled() {
				a.got = append(a.got, rec.Value)
			}
		}
	case histories.Send:
		a.send(ctx, op)
	default:
		a.Conn.Do(ctx, op)
	}
}

// wentOn notes that what the last poll returned stands in the history.
func (a *aheadSender) wentOn() {
	a.all.mu.Lock()
	defer a.all.mu.Unlock()
	for _, v := range a.got {
		if c := a.all.shown[v]; c != nil {
			close(c)
			delete(a.all.shown, v)
		}
	}
	a.got = a.got[:0]
}

// send answers from memory where the record was sent before. Each client sends
// one ahead, early in the run, so that it is still asked for it.
func (a *aheadSender) send(ctx context.Context, op *histories.Op) {
	m := &op.Mops[0]
	a.all.mu.Lock()
	offset, ahead := a.all.offsets[m.Value]
	a.all.mu.Unlock()
	if ahead {
		m.Offset, op.Type = offset, histories.OK
		return
	}
	a.Conn.Do(ctx, op)
	if a.sends++; a.sends == 3 && op.Type == histories.OK && time.Now().Before(a.all.until()) {
		a.ahead(ctx, op.Process, m.Key, m.Value+stride)
	}
}

// until is when the last record may be sent ahead.
func (s *sentAhead) until() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = time.Now()
	}
	return s.began.Add(time.Second)
}

// ahead sends the client's next record, and waits for somebody to read it.
func (a *aheadSender) ahead(ctx context.Context, process, key, value int64) {
	shown := make(chan struct{})
	a.all.mu.Lock()
	a.all.shown[value] = shown
	a.all.mu.Unlock()
	op := &histories.Op{Process: process, F: histories.Send}
	op.AddSend(key, value)
	a.Conn.Do(ctx, op)
	if op.Type != histories.OK {
		return
	}
	a.all.mu.Lock()
	a.all.offsets[value] = op.Mops[0].Offset
	a.all.mu.Unlock()
	a.all.ledger.sin(key, op.Mops[0].Offset, false)
	select {
	case <-shown:
		a.all.ledger.sin(key, op.Mops[0].Offset, true)
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
}

// clientSpec is a run without faults, for long enough for some sins.
func clientSpec(times int) run.Spec {
	spec := run.Default()
	spec.Seed, spec.Nemesis, spec.KeepGoing, spec.MinAcked = 1, []string{"none"}, true, 5
	spec.TimeLimit = run.Duration(times*times) * run.Duration(2*time.Second)
	spec.Calm, spec.Quiet, spec.Rate = run.Duration(500*time.Millisecond), run.Duration(300*time.Millisecond), 2000
	spec.Recovery = run.Duration(300 * time.Millisecond)
	spec.Concurrency = fmt.Sprint(stride)
	return spec
}

// tries is how often a run is made, each longer than the one before: a busy
// machine does little in a few seconds.
const tries = 3

// TestBrokenClients: each is convicted of its kind and of nothing but what is in
// its ledger. The long version of the tests judges the sound client under the
// same plan; else there is the sound run of TestEveryHarnessKindIsStaged.
func TestBrokenClients(t *testing.T) {
	t.Parallel()
	for _, c := range brokenClients {
		t.Run(c.name, func(t *testing.T) {
			var broken checker.Verdict
			ledger := &clientLedger{}
			for n := 1; n <= tries && ledger.proven() == 0; n++ {
				ledger.sins = map[[2]int64]bool{}
				broken = c.run(t, n, c.new(ledger))
			}
			c.convicted(t, broken, ledger)
			if !*museumAll {
				return
			}
			var twin checker.Verdict
			for n := 1; n <= tries && twin.Valid == checker.Unknown; n++ {
				twin = c.run(t, n, nil)
			}
			if twin.Valid != checker.Valid || found(twin, c.kind) {
				t.Errorf("the twin: %s", told(twin))
			}
		})
	}
}

// run makes one run and judges what was saved, for every example.
func (c brokenClient) run(t *testing.T, times int, broken func(client.Conn) client.Conn) checker.Verdict {
	t.Helper()
	spec := clientSpec(times)
	if c.tune != nil {
		c.tune(&spec)
	}
	res, err := run.Run(t.Context(), spec, run.Options{Store: t.TempDir(), Tool: "test", Client: broken})
	if err != nil {
		t.Fatal(err)
	}
	v, err := run.CheckFile(res.Dir, checker.Options{MinAcked: cmp.Or(spec.MinAcked, -1), MaxExamples: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (c brokenClient) convicted(t *testing.T, v checker.Verdict, ledger *clientLedger) {
	t.Helper()
	convicted := map[[2]int64]bool{}
	for _, a := range v.Anomalies {
		switch {
		case a.AllowedBy != "":
		case a.Kind == c.kind:
			for _, e := range a.Examples {
				convicted[[2]int64{e.Log, e.Offset}] = true
			}
		case !slices.Contains(c.followers, a.Kind):
			t.Errorf("%s is not in the row of the client", a.Kind)
		}
	}
	for sin := range convicted {
		if _, ok := ledger.sins[sin]; !ok {
			t.Errorf("log %d, offset %d: convicted without a sin", sin[0], sin[1])
		}
	}
	for sin, proven := range ledger.sins {
		if proven && !convicted[sin] {
			t.Errorf("log %d, offset %d: in the ledger, and not convicted", sin[0], sin[1])
		}
	}
	if v.Valid != checker.Invalid || len(convicted) == 0 {
		t.Errorf("%d convicted, %d in the ledger: %s", len(convicted), len(ledger.sins), told(v))
	}
}

// innocent are the kinds that break no promise: Kafka gives transactions no order
// between logs, and appends what others send between the records of one
// operation. Sound brokers show them to everybody, so there is nothing to break.
var innocent = []checker.Kind{checker.G0, checker.IntSendSkip}

// TestWhatSoundBrokersShow: a sound broker under transactions shows every innocent
// kind, each with the clause that allows it, and is not convicted.
func TestWhatSoundBrokersShow(t *testing.T) {
	t.Parallel()
	missing := innocent
	for n := 1; n <= tries && len(missing) > 0; n++ {
		spec := clientSpec(n)
		spec.Workload = "txn"
		res, err := run.Run(t.Context(), spec, run.Options{Store: t.TempDir(), Tool: "test"})
		if err != nil {
			t.Fatal(err)
		}
		missing = nil
		for _, kind := range innocent {
			i := slices.IndexFunc(res.Verdict.Anomalies, func(a checker.Anomaly) bool { return a.Kind == kind })
			if i < 0 {
				missing = append(missing, kind)
			} else if by := res.Verdict.Anomalies[i].AllowedBy; by != "informational" {
				t.Errorf("%s is allowed by %q", kind, by)
			}
		}
		if res.Verdict.Valid == checker.Invalid {
			t.Errorf("%s", told(res.Verdict))
		}
	}
	if len(missing) > 0 {
		t.Errorf("no run of a sound broker shows %v", missing)
	}
}
