package page

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// Funcs are the words in which pages say numbers.
var Funcs = template.FuncMap{
	"num":    Number,
	"secs":   seconds,
	"lasted": lasted,
	"ms":     millis,
	"share":  share,
	"held":   held,
	"join":   strings.Join,
	"plural": plural,
	"len64":  func(x []example) int64 { return int64(len(x)) },
}

// Number writes an integer with narrow spaces between its thousands.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

// seconds writes a time of the run in nanoseconds.
func seconds(ns int64) string { return strconv.FormatFloat(float64(ns)/1e9, 'f', 1, 64) + " s" }

// lasted writes the length of a span; end 0 is one that did not end.
func lasted(begin, end int64) string {
	if end == 0 {
		return "did not end"
	}
	d := time.Duration(end - begin)
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
	return d.Round(time.Second).String()
}

// millis writes a latency.
func millis(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// share writes the part of the operations that were ok, in percent. It never
// rounds up to all of them.
func share(o checker.Outcomes) string {
	all := o.OK + o.Fail + o.Info
	switch {
	case all == 0:
		return "–"
	case o.OK == all:
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", min(100*float64(o.OK)/float64(all), 99.99))
}

// held words a proof.
func held(v checker.Validity) string {
	switch v {
	case checker.Valid:
		return "yes"
	case checker.Invalid:
		return "no"
	}
	return "not proven"
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return Number(n) + " " + one
	}
	return Number(n) + " " + many
}
