package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// text is an entry in the notation without its index, which has a column of its
// own. Of the records of a poll only those beside the offset in focus are
// spelled out, and the first ones of what is long and not in focus.
func text(op *histories.Op, at focus) string {
	short, left := cut(op, at)
	s := strings.TrimPrefix(string(histories.AppendText(nil, short)), fmt.Sprintf("i=%d ", op.Index))
	if left > 0 {
		s = fmt.Sprintf("%s … %d more records …\n", strings.TrimSuffix(s, "\n"), left)
	}
	return s
}

// cut returns the entry with the records of its polls that are to be shown, and
// how many are left out.
func cut(op *histories.Op, at focus) (*histories.Op, int) {
	if len(op.Recs) <= 2*around+1 {
		return op, 0
	}
	c := *op
	c.Recs, c.Runs = nil, slices.Clone(op.Runs)
	for i, r := range op.Runs {
		recs := op.Recs[r.From:r.To]
		lo, hi := 0, min(len(recs), around)
		if r.Key == at.log && at.offset >= 0 {
			// Records out of order are shown as they came.
			if j := slices.IndexFunc(recs, func(rec histories.Rec) bool { return rec.Offset >= at.offset }); j >= 0 {
				lo, hi = max(0, j-around), min(len(recs), j+around+1)
			} else {
				lo, hi = max(0, len(recs)-around), len(recs)
			}
		}
		c.Runs[i].From = int32(len(c.Recs))
		c.Recs = append(c.Recs, recs[lo:hi]...)
		c.Runs[i].To = int32(len(c.Recs))
	}
	return &c, len(op.Recs) - len(c.Recs)
}
