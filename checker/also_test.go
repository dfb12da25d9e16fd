package checker_test

import (
	"reflect"
	"testing"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// onlooker counts entries, and panics at one of them where at is not 0.
type onlooker struct {
	seen, at int64
	finished bool
}

func (o *onlooker) Observe(*histories.Op) {
	o.seen++
	if o.seen == o.at {
		panic("an onlooker's own fault")
	}
}

func (o *onlooker) Finish() { o.finished = true }

// Passes that judge nothing see everything and change nothing, even where they
// fail.
func TestAlso(t *testing.T) {
	h := histtest.Valid(histtest.Options{Seed: 2})
	judge := func(also ...checker.Pass) checker.Verdict {
		j := checker.NewJudge(h.Header, true, checker.Options{Also: also})
		for i := range h.Ops {
			j.Observe(&h.Ops[i])
		}
		return j.Finish()
	}
	want := judge()
	good, bad := &onlooker{}, &onlooker{at: 100}
	if have := judge(good, bad); !reflect.DeepEqual(have, want) {
		t.Errorf("with onlookers the verdict is %+v, without %+v", have, want)
	}
	if good.seen != int64(len(h.Ops)) || !good.finished {
		t.Errorf("%d of %d entries seen, finished %t", good.seen, len(h.Ops), good.finished)
	}
	if bad.finished {
		t.Error("a pass that failed was finished")
	}
}
