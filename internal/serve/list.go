package serve

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// perPage is how many runs a page lists.
const perPage = 100

// listPage is the list of runs.
type listPage struct {
	frame
	Store   string
	Filters []filter
	Words   string
	Soaks   []SoakEntry // on the first page of all runs
	Runs    []Entry
	Found   int
	All     int
	First   int // of the runs shown, from 1
	Last    int
	Newer   string // links; empty: there are none
	Older   string
}

// filter is a choice among the values that there are.
type filter struct {
	Name, Label, Chosen string
	Values              []string
}

// filters are the properties by which runs can be chosen.
var filters = []struct {
	name, label string
	of          func(*Entry) []string
}{
	{"verdict", "verdict", func(e *Entry) []string { return []string{e.State} }},
	{"target", "target", func(e *Entry) []string { return []string{e.Target} }},
	{"workload", "workload", func(e *Entry) []string { return []string{e.Workload} }},
	{"scenario", "scenario", func(e *Entry) []string { return []string{e.Scenario} }},
	{"kind", "kind of anomaly", func(e *Entry) []string { return e.Kinds }},
}

// list shows the runs, newest first.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	all, q := s.runs(), r.URL.Query()
	p := listPage{frame: newFrame("Runs"), Store: s.store, All: len(all), Words: strings.TrimSpace(q.Get("q"))}
	chosen := func(e *Entry) bool { return p.Words == "" || strings.Contains(e.ID, p.Words) }
	for _, f := range filters {
		x := filter{Name: f.name, Label: f.label, Chosen: q.Get(f.name)}
		for i := range all {
			for _, v := range f.of(&all[i]) {
				if v != "" && !slices.Contains(x.Values, v) {
					x.Values = append(x.Values, v)
				}
			}
		}
		slices.Sort(x.Values)
		if x.Chosen != "" {
			before := chosen
			chosen = func(e *Entry) bool { return before(e) && slices.Contains(f.of(e), x.Chosen) }
			if !slices.Contains(x.Values, x.Chosen) {
				x.Values = append(x.Values, x.Chosen)
			}
		}
		p.Filters = append(p.Filters, x)
	}
	found := all[:0:0]
	for i := range all {
		if chosen(&all[i]) {
			found = append(found, all[i])
		}
	}
	p.Found = len(found)
	number, _ := strconv.Atoi(q.Get("page")) // what is no number is the first page
	number = min(max(number, 0), max(0, (len(found)-1)/perPage))
	lo, hi := number*perPage, min(len(found), (number+1)*perPage)
	p.Runs, p.First, p.Last = found[lo:hi], min(lo+1, hi), hi
	if number == 0 && len(found) == len(all) {
		p.Soaks = s.soaks()
	}
	if number > 0 {
		p.Newer = pageLink(q, number-1)
	}
	if hi < len(found) {
		p.Older = pageLink(q, number+1)
	}
	s.render(w, "list.html", &p)
}

// pageLink is the same list on another page.
func pageLink(q url.Values, number int) string {
	q.Set("page", strconv.Itoa(number))
	return "/?" + q.Encode()
}
