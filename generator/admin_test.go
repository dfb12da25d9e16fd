package generator

import (
	"slices"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// adminLogs are two logs whose records may be deleted, the second one to be
// added, and a topic of three lives.
func adminLogs() []histories.Log {
	logs := []histories.Log{
		{Key: 0, Topic: "trim", Cleanup: "delete", Retention: "none"},
		{Key: 1, Topic: "trim", Partition: 1, Cleanup: "delete", Retention: "none", Added: true},
	}
	for life := range int64(3) {
		logs = append(logs, histories.Log{Key: 2 + life, Topic: "lives", Life: life + 1, Added: true})
	}
	return logs
}

// TestAdministrationTakesItsTurns runs the roles against a world where every
// third request fails: the topic is created and deleted in turns, each until it
// is done and not before its visitor is; records are deleted upwards, never
// close to the end of what was seen; the partition is added once.
func TestAdministrationTakesItsTurns(t *testing.T) {
	cfg := Config{Seed: 1, Concurrency: 4, Logs: adminLogs(), Batch: 4}
	g := adminWorkload.New(cfg)
	ends, visits := map[int64]int64{}, map[int64]int{}
	alive, created, deleted, added, trims := int64(-1), 0, 0, 0, 0
	last := map[int64]int64{}
	n := 0
	for now := time.Duration(0); now < 20*time.Second; now += time.Millisecond {
		for w := range adminWorkload.Workers(cfg) {
			var op histories.Op
			if g.Next(now, w, &op) != Go {
				continue
			}
			n++
			op.Type = histories.OK
			if n%3 == 0 {
				op.Type = histories.Fail
			}
			switch op.F {
			case histories.CreateTopic:
				if alive >= 0 {
					t.Fatalf("creates the topic of log %d while log %d is there", op.Keys[0], alive)
				}
				if op.Type == histories.OK {
					alive, created = op.Keys[0], created+1
				}
			case histories.DeleteTopic:
				if alive != op.Keys[0] || visits[alive] < visitOps {
					t.Fatalf("deletes the topic of log %d, and log %d is there with %d visits", op.Keys[0], alive, visits[alive])
				}
				if op.Type == histories.OK {
					alive, deleted = -1, deleted+1
				}
			case histories.CreatePartitions:
				if op.Type == histories.OK {
					added++
				}
			case histories.DeleteRecords:
				to := op.Offsets[0]
				if to.Offset+trimKeep > ends[to.Key] || to.Offset <= last[to.Key] {
					t.Fatalf("deletes to %d of %d, after %d", to.Offset, ends[to.Key], last[to.Key])
				}
				if op.Type == histories.OK {
					last[to.Key], trims = to.Offset, trims+1
				}
			default:
				if w == 3 && cfg.Counted(w, &op) {
					visits[alive]++
				}
				for i := range op.Mops {
					if m := &op.Mops[i]; m.Send && op.Type == histories.OK {
						m.Offset = ends[m.Key]
						ends[m.Key]++
					}
				}
			}
			g.Saw(w, &op)
		}
	}
	if created != 3 || deleted != 2 || added != 1 || trims < 4 {
		t.Errorf("%d created, %d deleted, %d partitions added, %d deletions of records", created, deleted, added, trims)
	}
}

// TestFinalReadsGiveUpOnTheDead demands that a log that is not there ends its
// reader, at once where the client knows, and that no other log's does.
func TestFinalReadsGiveUpOnTheDead(t *testing.T) {
	for _, c := range []struct {
		log   histories.Log
		cause string
		asks  int
	}{
		{histories.Log{Life: 1, Added: true}, histories.LogGone + ": the topic was deleted", 1},
		{histories.Log{Life: 1, Added: true}, "no answer", maxMisses},
		{histories.Log{}, "no answer", 40},
	} {
		g := newFinal(Config{Logs: []histories.Log{c.log}})
		asks := 0
		for now := time.Duration(0); asks < 40; now += time.Second {
			var op histories.Op
			turn := g.Next(now, 0, &op)
			if turn == Done {
				break
			}
			if turn == Go {
				asks++
				op.Type, op.Error = histories.Fail, c.cause
				g.Saw(0, &op)
			}
		}
		if asks != c.asks {
			t.Errorf("%+v, %s: %d questions, want %d", c.log, c.cause, asks, c.asks)
		}
	}
}

// TestFinalReadsAskWhereTheLogBeginsNow demands that a reader whose position is
// out of range asks for the log's start again: retention goes on meanwhile.
func TestFinalReadsAskWhereTheLogBeginsNow(t *testing.T) {
	g := newFinal(Config{Logs: []histories.Log{{Retention: "3s"}}})
	start, retained := int64(5), false
	var asked []histories.F
	for now := time.Duration(0); len(asked) < 20; now += time.Second {
		var op histories.Op
		turn := g.Next(now, 0, &op)
		if turn == Done {
			break
		}
		if turn != Go {
			continue
		}
		asked = append(asked, op.F)
		op.Type = histories.OK
		switch op.F {
		case histories.StartOffsets, histories.Assign:
			op.Offsets = []histories.KeyOffset{{Offset: start}}
		case histories.EndOffsets:
			op.Offsets = []histories.KeyOffset{{Offset: 9}}
		case histories.Poll:
			if !retained {
				start, retained = 9, true
				op.Type, op.Error = histories.Fail, "log 0: "+histories.OutOfRange
				break
			}
			op.Fetched = []histories.Fetched{{Position: start, HighWatermark: 9}}
		}
		g.Saw(0, &op)
	}
	want := []histories.F{
		histories.StartOffsets, histories.EndOffsets, histories.Assign, histories.Poll,
		histories.StartOffsets, histories.EndOffsets, histories.Poll, histories.EndOffsets,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}
