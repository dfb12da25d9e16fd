package checker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// jepsenMess draws a small history of the shape of jepsen.tests.kafka, most
// often a wrong one. messy ones may hold offsets with two values, sends and
// polls without offsets, and values that are sent twice.
func jepsenMess(r *rand.Rand, messy bool) []histories.Op {
	g := messGen{r: r, messy: messy, keys: 1 + r.Int64N(2), open: map[int64]*histories.Op{}}
	procs := 1 + r.Int64N(4)
	for n := 4 + r.IntN(24); n > 0; n-- {
		p := r.Int64N(procs)
		if call := g.open[p]; call != nil {
			g.complete(p, call)
			continue
		}
		g.invoke(p)
	}
	for p := range procs {
		if call := g.open[p]; call != nil && (!messy || r.IntN(2) == 0) {
			g.complete(p, call)
		}
	}
	return g.ops
}

type messGen struct {
	r     *rand.Rand
	messy bool
	keys  int64
	ops   []histories.Op
	open  map[int64]*histories.Op
	next  [2]int64   // by key: the next value
	logs  [2][]int64 // by key: what is in the log, by offset; -1: a hole
}

func (g *messGen) put(op histories.Op) {
	op.Index = int64(len(g.ops))
	g.ops = append(g.ops, op)
}

func (g *messGen) invoke(p int64) {
	op := histories.Op{Process: p, Type: histories.Invoke}
	switch k := g.r.IntN(12); {
	case k == 0:
		op.F = histories.Assign
		for key := range g.keys {
			if g.r.IntN(2) == 0 {
				op.Keys = append(op.Keys, key)
			}
		}
	case k < 4:
		op.F = histories.Send
		op.Mops = []histories.Mop{g.send()}
	case k < 8:
		op.F = histories.Poll
		op.Mops = []histories.Mop{{}}
	default:
		op.F = histories.Txn
		sends := 0
		for range 1 + g.r.IntN(3) {
			if g.r.IntN(2) == 0 {
				op.Mops = append(op.Mops, g.send())
				sends++
			} else {
				op.Mops = append(op.Mops, histories.Mop{})
			}
		}
	}
	g.put(op)
	call := op
	g.open[p] = &call
}

func (g *messGen) send() histories.Mop {
	key := g.r.Int64N(g.keys)
	value := g.next[key]
	if !g.messy || value == 0 || g.r.IntN(12) > 0 {
		g.next[key]++
	} else {
		value = g.r.Int64N(value)
	}
	m := histories.Mop{Send: true, Key: key, Value: value, Offset: histories.OffsetUnknown}
	if g.r.IntN(6) > 0 { // it is appended at once, perhaps twice, perhaps behind a hole
		for range 1 + g.r.IntN(12)/11 {
			if g.r.IntN(8) == 0 {
				g.logs[key] = append(g.logs[key], -1)
			}
			g.logs[key] = append(g.logs[key], value)
		}
		if n := len(g.logs[key]); n > 1 && g.r.IntN(8) == 0 {
			g.logs[key][n-1], g.logs[key][n-2] = g.logs[key][n-2], g.logs[key][n-1]
		}
	}
	return m
}

func (g *messGen) complete(p int64, call *histories.Op) {
	delete(g.open, p)
	op := *call
	op.Mops = append([]histories.Mop(nil), call.Mops...)
	op.Type = []histories.Type{histories.OK, histories.OK, histories.OK, histories.OK, histories.Info, histories.Fail}[g.r.IntN(6)]
	for i := range op.Mops {
		m := &op.Mops[i]
		if m.Send {
			g.answer(op.Type, m)
		} else if op.Type == histories.OK || g.r.IntN(2) == 0 {
			g.poll(&op, m)
		}
	}
	if len(op.Runs) > 0 && g.r.IntN(6) == 0 {
		op.Rebalances = []histories.Rebalance{{What: histories.Assigned, Generation: -1, Keys: []int64{g.r.Int64N(g.keys)}}}
	}
	g.put(op)
}

func (g *messGen) answer(t histories.Type, m *histories.Mop) {
	if t != histories.OK && g.r.IntN(2) == 0 {
		return
	}
	if g.messy && g.r.IntN(10) == 0 {
		m.Offset = histories.OffsetNil
		return
	}
	for offset, v := range g.logs[m.Key] {
		if v == m.Value {
			m.Offset = int64(offset)
		}
	}
	if m.Offset < 0 { // it never was: lost
		m.Offset = int64(len(g.logs[m.Key]))
		g.logs[m.Key] = append(g.logs[m.Key], -1)
	}
	if g.messy && g.r.IntN(10) == 0 {
		m.Offset = g.r.Int64N(m.Offset + 2)
	}
}

func (g *messGen) poll(op *histories.Op, m *histories.Mop) {
	m.Polled, m.From = true, int32(len(op.Runs))
	for key := range g.keys {
		log := g.logs[key]
		if g.r.IntN(3) == 0 || len(log) == 0 {
			continue
		}
		run := histories.Run{Key: key, From: int32(len(op.Recs))}
		for offset := g.r.IntN(len(log)); offset < len(log) && g.r.IntN(5) > 0; offset++ {
			if v := log[offset]; v >= 0 && g.r.IntN(8) > 0 {
				rec := histories.Rec{Offset: int64(offset), Value: v}
				if g.messy && g.r.IntN(20) == 0 {
					rec.Offset = histories.OffsetNil
				}
				op.Recs = append(op.Recs, rec)
			}
		}
		if run.To = int32(len(op.Recs)); run.To > run.From || g.messy && g.r.IntN(3) == 0 {
			op.Runs = append(op.Runs, run)
		}
	}
	m.To = int32(len(op.Runs))
}

// TestJepsensRulesAgainstTranscription compares --rules jepsen with a plain
// transcription of them, count by count.
func TestJepsensRulesAgainstTranscription(t *testing.T) {
	n := uint64(5_000)
	if os.Getenv("ACKPROOF_TEST_ALL") == "1" {
		n = 1_000_000
	}
	types, crashed := map[string]int{}, 0
	for seed := range n {
		messy, noWW := seed%2 == 1, seed%4 >= 2
		ops := jepsenMess(rand.New(rand.NewPCG(seed, 11)), messy)
		j := NewJudge(histories.Header{}, false, Options{Jepsen: &JepsenRules{NoWW: noWW}})
		for i := range ops {
			j.Observe(&ops[i])
		}
		v := j.Finish().Jepsen
		if v.Crash != "" {
			crashed++
			continue
		}
		want := naiveByJepsen(ops, noWW)
		got := maps.Clone(v.Counts)
		for _, label := range []string{jepsenG0Realtime, jepsenG1cRealtime, jepsenG1c} {
			if got[label] > 0 {
				got["cycles"] += got[label]
			}
			delete(got, label)
		}
		for k := range want {
			types[k]++
		}
		if !maps.Equal(got, want) {
			text := ""
			for i := range ops {
				text += string(histories.AppendText(nil, &ops[i]))
			}
			t.Fatalf("seed %d, messy %v, noWW %v\ngot  %v\nwant %v\n%s", seed, messy, noWW, got, want, text)
		}
	}
	for _, k := range []string{"duplicate", "inconsistent-offsets", "lost-write", "unseen", "G1a", "precommitted-read", "poll-skip", "nonmonotonic-poll",
		"int-poll-skip", "int-nonmonotonic-poll", "int-send-skip", "int-nonmonotonic-send", "nonmonotonic-send", "G0", "cycles",
		"PL-1-cycle-exists", "PL-2-cycle-exists", "strong-PL-1-cycle-exists", "strong-PL-2-cycle-exists", "empty-transaction-graph"} {
		if types[k] == 0 {
			t.Errorf("no history has %s", k)
		}
	}
	t.Log(fmt.Sprint(types), "crashed", crashed)
}
