package generator

import (
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// ask asks for one operation, past any pause.
func ask(t *testing.T, g Generator, worker int, now *time.Duration) histories.Op {
	t.Helper()
	for range 1000 {
		var op histories.Op
		*now += time.Millisecond
		switch g.Next(*now, worker, &op) {
		case Go:
			return op
		case Done:
			t.Fatal("done")
		}
	}
	t.Fatal("waits for more than a second")
	return histories.Op{}
}

func polled(key int64, position int64, offsets ...int64) histories.Op {
	op := histories.Op{F: histories.Poll, Type: histories.OK, Mops: []histories.Mop{{Polled: true, To: 1}}}
	for _, o := range offsets {
		op.Recs = append(op.Recs, histories.Rec{Offset: o, Value: o})
	}
	op.Runs = []histories.Run{{Key: key, To: int32(len(offsets))}}
	op.Fetched = []histories.Fetched{{Key: key, Position: position, HighWatermark: -1, Epoch: -1}}
	return op
}

// TestTailGoesOnWhereItStood walks a tailing reader through a failed
// assignment, a retired process and a gap that holds no records.
func TestTailGoesOnWhereItStood(t *testing.T) {
	_, cfg := config(1, 2, 1)
	g := Workloads[0].New(cfg)
	const worker = 2
	now := time.Duration(0)

	op := ask(t, g, worker, &now)
	if op.F != histories.Assign || op.Seek.To != histories.SeekBeginning || len(op.Offsets) > 0 {
		t.Fatalf("begins with %+v", op)
	}
	op.Type = histories.Fail
	g.Saw(worker, &op)
	if op = ask(t, g, worker, &now); op.F != histories.Assign {
		t.Fatalf("after a failed assignment: %+v", op)
	}
	op.Type = histories.OK
	g.Saw(worker, &op)
	if op = ask(t, g, worker, &now); op.F != histories.Poll {
		t.Fatalf("after the assignment: %+v", op)
	}
	op = polled(0, 0, 0, 1, 2)
	g.Saw(worker, &op)
	op = polled(0, 9) // offsets 3 to 8 hold nothing for a consumer
	g.Saw(worker, &op)
	op = histories.Op{F: histories.Poll, Type: histories.Info}
	g.Saw(worker, &op)
	op = ask(t, g, worker, &now)
	if op.F != histories.Assign || len(op.Offsets) != 1 || op.Offsets[0] != (histories.KeyOffset{Key: 0, Offset: 9}) {
		t.Fatalf("after its process was retired: %+v", op)
	}
	if cfg.Counted(worker, &op) {
		t.Error("a renewed assignment is counted")
	}
}

// TestFinalReadsWhatLandsLate walks a final reader through a second listing
// that shows more than the first.
func TestFinalReadsWhatLandsLate(t *testing.T) {
	_, cfg := config(1, 2, 1)
	g := Workloads[0].Final(cfg)
	now := time.Duration(0)
	step := func(f histories.F, offset int64) histories.Op {
		t.Helper()
		op := ask(t, g, 0, &now)
		if op.F != f {
			t.Fatalf("asks for %v, want %v", op.F, f)
		}
		op.Type, op.Offsets = histories.OK, []histories.KeyOffset{{Key: 0, Offset: offset}}
		g.Saw(0, &op)
		return op
	}
	see := func(op histories.Op) {
		t.Helper()
		if asked := ask(t, g, 0, &now); asked.F != histories.Poll {
			t.Fatalf("asks for %v, want a poll", asked.F)
		}
		g.Saw(0, &op)
	}
	step(histories.StartOffsets, 0)
	step(histories.EndOffsets, -1) // not told
	step(histories.EndOffsets, 3)
	if op := step(histories.Assign, 0); op.Seek.To != histories.SeekBeginning {
		t.Errorf("final assignment: %+v", op)
	}
	see(polled(0, 0, 0, 1))
	see(polled(0, 2, 2))
	step(histories.EndOffsets, 4)
	see(polled(0, 3, 3))
	step(histories.EndOffsets, 4)
	var op histories.Op
	if turn := g.Next(now, 0, &op); turn != Done {
		t.Errorf("turn %d after the last offset was read, asks for %v", turn, op.F)
	}
}

// TestFailuresArePaced demands that a worker whose operations fail at once
// slows down, and goes on at full speed after a success.
func TestFailuresArePaced(t *testing.T) {
	_, cfg := config(1, 1, 1)
	g := Workloads[0].New(cfg)
	now, asked := time.Duration(0), 0
	var op histories.Op
	for ; now < time.Second; now += time.Millisecond {
		op.Reset()
		if g.Next(now, 0, &op) == Go {
			asked++
			op.Type = histories.Fail
			g.Saw(0, &op)
		}
	}
	if asked < 15 || asked > 30 {
		t.Errorf("%d operations in a second of failures", asked)
	}
	op = ask(t, g, 0, &now)
	op.Type = histories.OK
	g.Saw(0, &op)
	op.Reset()
	if g.Next(now, 0, &op) != Go {
		t.Error("waits after a success")
	}
	op.Type = histories.Fail
	g.Saw(0, &op)
	op.Reset()
	if g.Next(now, 0, &op) != Wait {
		t.Error("goes on at once after a failure")
	}
	if g.Next(now+firstPause, 0, &op) != Go {
		t.Error("waits for longer than after a first failure")
	}
}

// TestRenewalIsTriedBeforeEachPoll demands one renewal before each poll of a
// process without assignment, and that the poll comes even where it fails.
func TestRenewalIsTriedBeforeEachPoll(t *testing.T) {
	_, cfg := config(1, 1, 4)
	g := Workloads[0].New(cfg)
	now, renewals := time.Duration(0), 0
	for polls := 0; polls < 10; {
		op := ask(t, g, 0, &now)
		renews := op.F == histories.Assign && !cfg.Counted(0, &op)
		if op.Type = histories.OK; renews || op.F == histories.Assign {
			op.Type = histories.Fail
		}
		g.Saw(0, &op)
		if !renews {
			if op.F == histories.Poll {
				t.Fatalf("poll %d without a renewal", polls)
			}
			continue
		}
		renewals++
		if op = ask(t, g, 0, &now); op.F != histories.Poll {
			t.Fatalf("%v after a failed renewal", op.F)
		}
		g.Saw(0, &op)
		polls++
	}
	op := histories.Op{F: histories.Assign, Type: histories.OK}
	g.Saw(0, &op)
	for polls := 0; polls < 10; {
		op := ask(t, g, 0, &now)
		if op.F == histories.Assign && !cfg.Counted(0, &op) {
			t.Fatal("renews the assignment that it has")
		}
		if op.F == histories.Poll {
			polls++
		}
		op.Type = histories.OK
		g.Saw(0, &op)
	}
}
