package run

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkCheckJepsen judges histories in Jepsen's format from file with the
// built command, cycles included: 1,000,000 entries of 20 processes on 8 keys,
// plain (140 MB) and transactional (195 MB). Values count from 0 on every key,
// as Jepsen's do.
func BenchmarkCheckJepsen(b *testing.B) {
	bin := buildCommand(b)
	for _, txns := range []bool{false, true} {
		b.Run(fmt.Sprintf("txns=%v", txns), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "history.edn")
			if err := writeJepsen(path, 1_000_000, txns); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				checkOnce(b, bin, path, "--rules", "jepsen")
			}
		})
	}
}

// BenchmarkCheckTransactions judges a million transactions from file, the search
// for cycles included: what BenchmarkMillionTransactions does to a graph alone.
func BenchmarkCheckTransactions(b *testing.B) {
	bin := buildCommand(b)
	path := filepath.Join(b.TempDir(), "history.edn")
	if err := writeJepsen(path, 2_000_000, true); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		checkOnce(b, bin, path)
	}
}

// jepsenWorld is a perfect cluster that a Jepsen test wrote the history of.
type jepsenWorld struct {
	out     *bufio.Writer
	rand    *rand.Rand
	index   int
	next    [jepsenKeys]int64 // the next value of each key, which is its place in the log
	offset  [jepsenKeys][]int64
	end     [jepsenKeys]int64
	reading [jepsenProcesses][jepsenKeys]int // the next place that the process reads
	final   bool                             // everybody reads to the end
}

const (
	jepsenKeys      = 8
	jepsenProcesses = 20
)

// jepsenOp is an operation under way: it takes effect at its completion.
type jepsenOp struct {
	f    string
	mops []int // the key that a send goes to; -1: a poll
	vals []int64
}

func writeJepsen(path string, entries int, txns bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := &jepsenWorld{out: bufio.NewWriterSize(f, 1<<20), rand: rand.New(rand.NewPCG(1, 2))}
	var under [jepsenProcesses]*jepsenOp
	for p := range under {
		w.entry(p, "invoke", "assign", " [0 1 2 3 4 5 6 7]")
		w.entry(p, "ok", "assign", " [0 1 2 3 4 5 6 7]")
	}
	for w.index < entries-jepsenProcesses {
		p := w.rand.IntN(jepsenProcesses)
		w.final = w.index > entries*19/20
		if under[p] == nil {
			under[p] = w.draw(txns)
			w.invoke(p, under[p])
			continue
		}
		w.complete(p, under[p], txns)
		under[p] = nil
	}
	for p, op := range under {
		if op != nil {
			w.complete(p, op, txns)
		}
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// draw makes an operation: one mop, or one to four in a transaction.
func (w *jepsenWorld) draw(txns bool) *jepsenOp {
	op := &jepsenOp{}
	n, share := 1, 3 // share: eighths of the mops that send
	if txns && !w.final {
		n, share = 1+w.rand.IntN(4), 2
	}
	sends := 0
	for range n {
		key := -1
		if !w.final && w.rand.IntN(8) < share {
			key = w.rand.IntN(jepsenKeys)
			sends++
		}
		op.mops = append(op.mops, key)
	}
	switch sends {
	case 0:
		op.f = "poll"
	case n:
		op.f = "send"
	default:
		op.f = "txn"
	}
	for _, key := range op.mops {
		value := int64(-1)
		if key >= 0 {
			value = w.next[key]
			w.next[key]++
		}
		op.vals = append(op.vals, value)
	}
	return op
}

func (w *jepsenWorld) entry(p int, typ, f, value string) {
	fmt.Fprintf(w.out, "{:process %d, :type :%s, :f :%s, :value%s, :index %d, :time %d}\n", p, typ, f, value, w.index, w.index*50_000)
	w.index++
}

func (w *jepsenWorld) invoke(p int, op *jepsenOp) {
	var value []byte
	for i, key := range op.mops {
		if i > 0 {
			value = append(value, ' ')
		}
		if key < 0 {
			value = append(value, "[:poll]"...)
			continue
		}
		value = fmt.Appendf(value, "[:send %d %d]", key, op.vals[i])
	}
	w.entry(p, "invoke", op.f, " ["+string(value)+"]")
}

func (w *jepsenWorld) complete(p int, op *jepsenOp, txns bool) {
	var value []byte
	// A reader of a transaction sees what was there when it began.
	seen := [jepsenKeys]int{}
	for k := range seen {
		seen[k] = len(w.offset[k])
	}
	polls := w.final || w.rand.IntN(10) < 2 // of the rest nothing came
	var touched [jepsenKeys]bool
	for i, key := range op.mops {
		if i > 0 {
			value = append(value, ' ')
		}
		if key >= 0 {
			value = fmt.Appendf(value, "[:send %d [%d %d]]", key, w.end[key], op.vals[i])
			w.offset[key] = append(w.offset[key], w.end[key], op.vals[i])
			w.end[key]++
			touched[key] = true
			continue
		}
		value = append(value, "[:poll {"...)
		if polls {
			value = w.poll(value, p, seen)
		}
		value = append(value, "}]"...)
	}
	if txns {
		for k, t := range touched {
			if t {
				w.end[k]++ // the marker
			}
		}
	}
	w.entry(p, "ok", op.f, " ["+string(value)+"]")
}

// poll reads on with some keys, not all of what is there.
func (w *jepsenWorld) poll(value []byte, p int, seen [jepsenKeys]int) []byte {
	first, most := true, 5
	if w.final {
		most = 200
	}
	for k := range jepsenKeys {
		at := w.reading[p][k]
		to := min(at+2*w.rand.IntN(most), seen[k])
		if to <= at {
			continue
		}
		if !first {
			value = append(value, ", "...)
		}
		first = false
		value = fmt.Appendf(value, "%d [", k)
		for i := at; i < to; i += 2 {
			if i > at {
				value = append(value, ' ')
			}
			value = fmt.Appendf(value, "[%d %d]", w.offset[k][i], w.offset[k][i+1])
		}
		value = append(value, ']')
		w.reading[p][k] = to
	}
	return value
}
