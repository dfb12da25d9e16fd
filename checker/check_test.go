package checker

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// lender reads a history from memory and overwrites what it lent before, as
// readers do.
type lender struct {
	h   histtest.History
	at  int
	op  histories.Op
	end error
}

func (r *lender) Header() (histories.Header, bool) { return r.h.Header, true }
func (r *lender) Close() error                     { return nil }

func (r *lender) Next() (*histories.Op, error) {
	if r.at == len(r.h.Ops) {
		return nil, r.end
	}
	for i := range r.op.Recs {
		r.op.Recs[i] = histories.Rec{Offset: 777, Value: 777}
	}
	for i := range r.op.Mops {
		r.op.Mops[i] = histories.Mop{Send: true, Key: 777, Value: 777}
	}
	r.h.Ops[r.at].CopyTo(&r.op)
	r.at++
	return &r.op, nil
}

func TestCheckReadsLentEntries(t *testing.T) {
	h := histtest.Valid(histtest.Options{Seed: 1, Ops: 5000})
	v, err := Check(&lender{h: h, end: io.EOF}, Options{})
	if err != nil || v.Valid != Valid || v.Judged.Entries != int64(len(h.Ops)) {
		t.Fatalf("%v %s", err, text(v))
	}
}

func TestCheckOfWhatCannotBeRead(t *testing.T) {
	h := histtest.Valid(histtest.Options{Seed: 1, Ops: 500})
	h.Ops = h.Ops[:300]
	torn := &histories.SyntaxError{Msg: "the last line is torn", Torn: true}
	v, err := Check(&lender{h: h, end: torn}, Options{})
	if err != nil || v.Valid != Unknown || !v.Incomplete || !strings.Contains(text(v), "torn") {
		t.Fatalf("torn tail: %v %s", err, text(v))
	}
	broken := errors.New("input/output error")
	if v, err = Check(&lender{h: h, end: broken}, Options{}); err != nil || v.Valid != Unknown || !v.Incomplete {
		t.Fatalf("broken file: %v %s", err, text(v))
	}
	h.Ops = nil
	if _, err = Check(&lender{h: h, end: broken}, Options{}); !errors.Is(err, broken) {
		t.Fatalf("nothing read: error %v, want %v", err, broken)
	}
}

// TestFoundWhileItRuns: the live counts may be read at any time, and a
// violation shows before the end.
func TestFoundWhileItRuns(t *testing.T) {
	j := NewJudge(promised(false), true, Options{})
	var wg sync.WaitGroup
	seen := make(chan struct{})
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			for _, f := range j.Found() {
				if f.Kind == AbortedRead {
					close(seen)
					return
				}
			}
		}
	}()
	guilty := parse(t, "p0 s 1 !fail; p1 p 1@0").Ops
	for i := range guilty {
		j.Observe(&guilty[i])
	}
	late := guilty[len(guilty)-1]
	late.Time += 2 * linger // moves the batch on
	late.Type = histories.Invoke
	j.Observe(&late)
	<-seen
	wg.Wait()
	if v := j.Finish(); v.Valid != Invalid {
		t.Fatalf("%s", text(v))
	}
}
