package page

import (
	"reflect"
	"testing"

	"github.com/ackproof/ackproof/checker"
)

// The operations around an anomaly are the same in whatever form the history
// was saved, and the evidence is among them.
func TestExcerptsOfEveryFormat(t *testing.T) {
	for _, sin := range []string{"lose", "two-values", "truncate", "duplicate", "skip", "reorder-sends"} {
		t.Run(sin, func(t *testing.T) {
			h := mutated(t, sin)
			_, v := judged(t, h)
			want, err := Excerpts(saved(t, h, "history.jsonl"), h.Header, v)
			if err != nil {
				t.Fatal(err)
			}
			if len(want) == 0 {
				t.Fatal("no anomaly has an excerpt")
			}
			for id, x := range want {
				checkExcerpt(t, v.Anomalies[id[0]].Examples[id[1]], x)
			}
			for _, name := range []string{"history.jsonl.zst", "history.edn"} {
				have, err := Excerpts(saved(t, h, name), h.Header, v)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(have, want) {
					t.Errorf("%s shows something else", name)
				}
			}
		})
	}
}

func checkExcerpt(t *testing.T, e checker.Example, x Excerpt) {
	t.Helper()
	drawn := map[int64]bool{}
	for _, o := range x.Timeline.Ops {
		if o.Row < 0 || o.Row >= len(x.Timeline.Rows) || o.To < o.From {
			t.Errorf("operation %+v", o)
		}
		if o.Evidence {
			drawn[o.Index] = true
		}
		for _, s := range o.Says {
			if s.Rank < 0 || s.Rank >= len(x.Timeline.Offsets) {
				t.Errorf("rank %d of %d", s.Rank, len(x.Timeline.Offsets))
			}
		}
	}
	for _, index := range e.Ops {
		if !drawn[index] || x.Lines[index] == "" {
			t.Errorf("entry %d is evidence and not shown (line %q)", index, x.Lines[index])
		}
	}
	for i, s := range x.Timeline.Segments {
		if s.To <= s.From || i > 0 && s.From < x.Timeline.Segments[i-1].To {
			t.Errorf("segments %v", x.Timeline.Segments)
		}
	}
	if len(x.Timeline.Offsets) > maxRanks {
		t.Errorf("%d offsets are drawn", len(x.Timeline.Offsets))
	}
}

// Nothing is looked up where there is nothing to show.
func TestNoExcerpts(t *testing.T) {
	x, err := Excerpts("does-not-exist.jsonl", mutated(t, "lose").Header, checker.Verdict{})
	if err != nil || x != nil {
		t.Errorf("%v, %v", x, err)
	}
}
