package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Run is what a summary is made from. Dir, Mutant and Repeat are empty where
// only a history was judged.
type Run struct {
	Header  histories.Header
	Verdict checker.Verdict
	Dir     string
	Mutant  string
	Repeat  string
}

// Summary writes what people read at the end of a run: operations, faults with
// their proofs, what was judged, the verdict, the command that repeats it.
func Summary(out io.Writer, r Run) {
	var s checker.Stats
	_ = json.Unmarshal(r.Verdict.Stats, &s) // absent stats print as nothing
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	heading(w, r)
	operations(w, s)
	phases(w, s)
	groups(w, s)
	cluster(w, s)
	faultTable(w, r.Verdict, s)
	remarks(w, s)
	anomalies(w, r)
	expected(w, r.Verdict)
	unknowns(w, r.Verdict)
	judged(w, r.Verdict)
	verdictLine(w, r)
	if r.Repeat != "" {
		fmt.Fprintf(w, "repeat: %s\n", r.Repeat)
	}
}

func heading(w io.Writer, r Run) {
	h := r.Header
	if h.Target == "" && h.Workload == "" {
		return
	}
	fmt.Fprintf(w, "%s on %s, seed %d, %d logs, %d workers, reads %s\n", h.Workload, h.Target, h.Seed, len(h.Logs), h.Workers, r.Verdict.Model)
	if c := h.Contract.String(); c != "" {
		fmt.Fprintf(w, "contract: %s\n", c)
	}
	if r.Mutant != "" {
		fmt.Fprintf(w, "broken on purpose: %s\n", r.Mutant)
	}
}

func operations(w io.Writer, s checker.Stats) {
	if len(s.Ops) == 0 {
		return
	}
	fmt.Fprintf(w, "\noperation\tok\tfail\tinfo\tp50 ms\tp99 ms\tmax ms\n")
	for _, o := range s.Ops {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.2f\t%.2f\t%.1f\n", o.F, o.OK, o.Fail, o.Info, o.P50, o.P99, o.Max)
	}
}

func phases(w io.Writer, s checker.Stats) {
	if len(s.Phases) == 0 {
		return
	}
	fmt.Fprintf(w, "\nphase\tfrom\tseconds\tok\tfail\tinfo\tacked records/s\n")
	for _, p := range s.Phases {
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%d\t%d\t%d\t%.0f\n", p.Name, at(p.Begin), float64(p.End-p.Begin)/1e9, p.OK, p.Fail, p.Info, p.AckedRate)
	}
}

// groups prints what the consumer groups did.
func groups(w io.Writer, s checker.Stats) {
	if len(s.Groups) == 0 {
		return
	}
	fmt.Fprintf(w, "\ngroup\tmembers\trebalances\tcommits ok/fail/info\ttold\tstale\tdelivered\tredelivered\n")
	for _, g := range s.Groups {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d/%d/%d\t%d\t%d\t%d\t%d\n", g.Group, g.Members, g.Rebalances,
			g.Commits.OK, g.Commits.Fail, g.Commits.Info, g.Answers, g.Stale, g.Delivered, g.Redelivered)
	}
}

// at is a time of the run in seconds.
func at(ns int64) string { return fmt.Sprintf("%.1fs", float64(ns)/1e9) }

func faultTable(w io.Writer, v checker.Verdict, s checker.Stats) {
	if len(v.Faults) == 0 {
		return
	}
	spans := map[int]checker.FaultSpan{}
	for _, f := range s.Faults {
		spans[f.ID] = f
	}
	fmt.Fprintf(w, "\nfault\ton\tfrom\tlasted\tbit\thealed\tok/fail/info before\tduring\tafter\tproof\n")
	for _, f := range v.Faults {
		lasted := "not ended"
		if f.End > 0 {
			lasted = time.Duration(f.End - f.Begin).Round(10 * time.Millisecond).String()
		}
		sp := spans[f.ID]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Fault, strings.Join(f.On, ","), at(f.Begin), lasted,
			proven(f.Bit), proven(f.Healed), counts(sp.Before), counts(sp.During), counts(sp.After), f.Why)
	}
}

// remarks are what the harness said of the run.
func remarks(w io.Writer, s checker.Stats) {
	if len(s.Notes) == 0 {
		return
	}
	fmt.Fprintf(w, "\nremarks:\n")
	for _, n := range s.Notes {
		why, _, _ := strings.Cut(n.Why, "\n")
		fmt.Fprintf(w, "  %s: %s\n", at(n.At), why)
	}
}

func counts(s checker.SpanStats) string { return fmt.Sprintf("%d/%d/%d", s.OK, s.Fail, s.Info) }

// proven words a proof: yes, no, or not proven.
func proven(v checker.Validity) string {
	switch v {
	case checker.Valid:
		return "yes"
	case checker.Invalid:
		return "no"
	}
	return "not proven"
}

// shownExamples is how many examples of an anomaly the summary prints.
const shownExamples = 3

func anomalies(w io.Writer, r Run) {
	var counted []string
	for _, a := range r.Verdict.Anomalies {
		if a.Informational() {
			counted = append(counted, fmt.Sprintf("%s %d", a.Kind, a.Count))
			continue
		}
		clause := "violation"
		if a.AllowedBy != "" {
			clause = "allowed by " + a.AllowedBy
		}
		fmt.Fprintf(w, "\n%s: %d (%s)\n", a.Kind, a.Count, clause)
		for i, e := range a.Examples {
			if i == shownExamples {
				fmt.Fprintf(w, "  … %d more: ackproof show %s %s\n", a.Count-int64(i), dirOr(r.Dir, "FILE"), a.Kind)
				break
			}
			fmt.Fprintf(w, "  %s [entries %s]\n", e.Why, indexes(e.Ops))
			if e.Window != "" {
				fmt.Fprintf(w, "    picture: %s\n", e.Window)
			}
		}
		for _, f := range a.Follows {
			fmt.Fprintf(w, "  follows from it: %s %d\n", f.Kind, f.Count)
		}
	}
	if len(counted) > 0 {
		fmt.Fprintf(w, "\ncounted, because they break no promise: %s (ackproof show %s KIND explains one)\n", strings.Join(counted, ", "), dirOr(r.Dir, "FILE"))
	}
}

func dirOr(dir, other string) string {
	if dir == "" {
		return other
	}
	return dir
}

func indexes(ops []int64) string {
	s := make([]string, len(ops))
	for i, o := range ops {
		s[i] = fmt.Sprint(o)
	}
	return strings.Join(s, ", ")
}

// expected lists what was expected of the run, and what came of it.
func expected(w io.Writer, v checker.Verdict) {
	if len(v.Expectations) == 0 {
		return
	}
	fmt.Fprintf(w, "\nexpectation\tmet\twhy\n")
	for _, e := range v.Expectations {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, Met(e.Met), e.Why)
	}
}

// Met words whether an expectation is met.
func Met(v checker.Validity) string {
	switch v {
	case checker.Valid:
		return "yes"
	case checker.Invalid:
		return "NO"
	}
	return "unknown"
}

func unknowns(w io.Writer, v checker.Verdict) {
	if len(v.Unknown) == 0 {
		return
	}
	fmt.Fprintf(w, "\nunknown:\n")
	for _, u := range v.Unknown {
		kind := u.Checker
		if u.Kind != "" {
			kind = string(u.Kind)
		}
		fmt.Fprintf(w, "  %s: %s\n", kind, u.Why)
	}
}

func judged(w io.Writer, v checker.Verdict) {
	j := v.Judged
	fmt.Fprintf(w, "\njudged: %d operations (%d entries), %d records sent, %d of them acknowledged, %d logs; porcupine decided %d windows with %d per-log operations",
		j.Ops, j.Entries, j.Records, j.Acked, j.Logs, j.Windows, j.WindowOps)
	if j.Commits+j.CommitReads > 0 {
		fmt.Fprintf(w, "; of groups %d committed offsets and %d answers, in %d windows", j.Commits, j.CommitReads, j.CommitWindows)
	}
	if j.Ignored > 0 {
		fmt.Fprintf(w, "; %d entries ignored", j.Ignored)
	}
	fmt.Fprintln(w)
	if j.Txns > 0 {
		fmt.Fprintf(w, "transactions: %d judged, %d committed, %d aborted, %d undecided; %d records consumed, transformed and produced by groups\n",
			j.Txns, j.Committed, j.Aborted, j.Undecided, j.Effects)
	}
	judgedAdmin(w, j.Admin)
	bit := map[string]bool{}
	for _, f := range v.Faults {
		if f.Bit == checker.Valid && f.Healed == checker.Valid {
			bit[f.Fault] = true
		}
	}
	if len(v.Faults) > 0 {
		fmt.Fprintf(w, "faults: %d, of %d kinds proven to have bitten and healed\n", len(v.Faults), len(bit))
	}
}

func verdictLine(w io.Writer, r Run) {
	v := r.Verdict
	line := "verdict: " + v.Valid.String()
	if v.Incomplete {
		line += " (incomplete: the run did not reach its end)"
	}
	if v.Stopped != "" {
		line += fmt.Sprintf(" (the main phase ended early: %s was found while it lasted)", v.Stopped)
	}
	fmt.Fprintln(w, line)
	if r.Dir != "" {
		fmt.Fprintf(w, "run directory: %s\n", r.Dir)
	}
}

// judgedAdmin says beside which administration that was.
func judgedAdmin(w io.Writer, a *checker.AdminJudged) {
	if a == nil {
		return
	}
	fmt.Fprintf(w, "administration: %d deletions took %d records, retention %d, compaction %d of %d keys; %d topics deleted, %d created again; %d partitions added\n",
		a.DeleteRecords, a.RecordsDeleted, a.RetainedOut, a.Compacted, a.CompactedKeys, a.TopicsDeleted, a.TopicsRecreated, a.PartitionsAdded)
}
