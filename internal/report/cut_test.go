package report

import (
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// Of a long poll the records around the example's offset are shown, and how
// many are not.
func TestLongPollsAreCut(t *testing.T) {
	op := &histories.Op{Index: 7, Type: histories.OK, F: histories.Poll,
		Mops: []histories.Mop{{From: 0, To: 2}},
		Runs: []histories.Run{{Key: 0, From: 0, To: 100}, {Key: 1, From: 100, To: 400}}}
	for i := range int64(100) {
		op.Recs = append(op.Recs, histories.Rec{Offset: i, Value: 5000 + i})
	}
	for i := range int64(300) {
		op.Recs = append(op.Recs, histories.Rec{Offset: 1000 + i, Value: 6000 + i})
	}
	for name, c := range map[string]struct {
		at        focus
		more      string
		has, lack []string
	}{
		"in focus":  {focus{1, 1150}, "390 more", []string{"6147", "6150", "6153", "5000", "5002"}, []string{"6146", "6154", "5003"}},
		"first":     {focus{0, 0}, "393 more", []string{"5000", "5003", "6000"}, []string{"5004", "6003"}},
		"past it":   {focus{1, 9999}, "394 more", []string{"6297", "6299"}, []string{"6296"}},
		"no offset": {focus{1, -1}, "394 more", []string{"6000", "6002"}, []string{"6003"}},
	} {
		got := text(op, c.at)
		for _, s := range append(c.has, c.more) {
			if !strings.Contains(got, s) {
				t.Errorf("%s: %q lacks %s", name, got, s)
			}
		}
		for _, s := range c.lack {
			if strings.Contains(got, s) {
				t.Errorf("%s: %q has %s", name, got, s)
			}
		}
	}
	if len(op.Recs) != 400 || op.Runs[1].From != 100 {
		t.Error("the entry itself was cut")
	}
	op.Runs, op.Recs = op.Runs[:1], op.Recs[:3]
	op.Runs[0].To, op.Mops[0].To = 3, 1
	if got := text(op, focus{0, 1}); strings.Contains(got, "more") {
		t.Errorf("a short poll is cut: %q", got)
	}
}
