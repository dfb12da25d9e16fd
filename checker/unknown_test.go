package checker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// reasons lists the kinds of a verdict's reasons.
func reasons(v Verdict) string {
	var out []string
	for _, r := range v.Unknown {
		out = append(out, string(r.Kind))
	}
	return strings.Join(out, ", ")
}

// TestIncompleteRuns: without final reads what needs them is unknown, but a
// witness from before still convicts.
func TestIncompleteRuns(t *testing.T) {
	for _, c := range []struct {
		name, want, reasons, history string
		valid                        Validity
	}{
		{"no final reads", "", "incomplete-run", "p0 s 1@0; p0 s 2@1; p1 p 1@0", Unknown},
		{"no end", "", "incomplete-run, incomplete-run", "p0 s 1@0; p1 p 1@0; nemesis phase final; p9 a 0 seek=beginning; p9 p 1@0", Unknown},
		{"end not reached", "", "incomplete-run", "p0 s 1@0; p0 s 2@1" + readEnd + "2; p9 a 0 seek=beginning; p9 p 1@0; nemesis phase end", Unknown},
		{"not from the start", "", "incomplete-run", "p0 s 1@0; p0 s 2@1" + readEnd + "2; p9 a 0 pos=0:1; p9 p 2@1; nemesis phase end", Unknown},
		{"no end listed", "", "incomplete-run", "p0 s 1@0; nemesis phase final; p9 a 0 seek=beginning; p9 p 1@0; nemesis phase end", Unknown},
		{"passed over", "lost-write 1 / int-poll-skip 1", "incomplete-run", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 3@2", Invalid},
		{"not passed over, only not read yet", "", "incomplete-run", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p2 a 0 pos=0:2; p2 p 3@2", Unknown},
		{"another kind", "aborted-read 1", "incomplete-run", "p0 s 1 !fail; p1 p 1@0", Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			h.Header = promised(true)
			v := judge(h, Options{MinAcked: -1})
			if got := headlinesOf(v); got != c.want || v.Valid != c.valid || reasons(v) != c.reasons {
				t.Fatalf("%s\ngot  %s; %s; %v\nwant %s; %s; %v\n%s", c.history, got, reasons(v), v.Valid, c.want, c.reasons, c.valid, text(v))
			}
		})
	}
}

// TestNoTransactionCommitted: a run of transactions that judged none says so.
func TestNoTransactionCommitted(t *testing.T) {
	for history, want := range map[string]string{
		"p0 s 1@0; p0 t s 2 !fail; p1 p 1@0":                                    "too-little-work",
		"p0 s 1@0; p0 t s 2@2 !info; p1 p 1@0":                                  "too-little-work",
		"p0 s 1@0; p1 p 1@0":                                                    "too-little-work",
		"p0 s 1@0; p0 t s 2@2 !info; p1 a 0 iso=committed; p1 p 2@2":            "",
		"p0 s 1@0; p0 t s 2@2; p1 p 1@0":                                        "",
		"p0 s 1@0; p0 t s 2@2; p0 t s 3@3 !fail; p0 t s 4 !info by=1; p1 p 1@0": "",
	} {
		h := parse(t, strings.Replace(history, " by=1", " by=1:1:0", 1))
		h.Header = promised(false)
		h.Header.Workload = "txn"
		v := judge(h, Options{MinAcked: 1})
		if got := reasons(v); got != want {
			t.Errorf("%s: reasons %q, want %q", history, got, want)
		}
		if v.Judged.Txns != v.Judged.Committed+v.Judged.Aborted+v.Judged.Undecided {
			t.Errorf("%s: the outcomes do not add up: %+v", history, v.Judged)
		}
	}
}

// nemesis makes a nemesis entry about fault id.
func nemesis(f histories.F, id int, fault string, held *bool) histories.Op {
	return histories.Op{Process: histories.Nemesis, Type: histories.Info, F: f, Event: &histories.Event{ID: id, Fault: fault, On: []string{"n1"}, Held: held}}
}

// TestFaultsProveThemselves walks through what can be wrong with a fault.
func TestFaultsProveThemselves(t *testing.T) {
	yes, no := true, false
	type step = histories.Op
	inject := func(id int, fault string) step { return nemesis(histories.Inject, id, fault, nil) }
	bite := func(id int, fault string, held *bool) step { return nemesis(histories.Bite, id, fault, held) }
	heal := func(id int, fault string) step { return nemesis(histories.Heal, id, fault, nil) }
	healed := func(id int, fault string, held *bool) step { return nemesis(histories.Healed, id, fault, held) }
	work := step{F: histories.Send} // stands for some work
	for _, c := range []struct {
		name, want string
		steps      []step
	}{
		{"proven", "", []step{work, inject(0, "down"), bite(0, "down", &yes), work, heal(0, "down"), healed(0, "down", &yes), work}},
		{"did not bite", "fault-did-not-bite", []step{inject(0, "down"), bite(0, "down", &no), work, heal(0, "down"), healed(0, "down", &yes), work}},
		{"no proof", "fault-did-not-bite", []step{inject(0, "down"), work, heal(0, "down"), healed(0, "down", &yes), work}},
		{"bit when it was probed again", "", []step{inject(0, "down"), bite(0, "down", nil), bite(0, "down", &yes), work, heal(0, "down"), healed(0, "down", &yes), work}},
		{"its kind bit elsewhere", "", []step{inject(0, "down"), bite(0, "down", &no), work, heal(0, "down"), healed(0, "down", &yes),
			inject(1, "down"), bite(1, "down", &yes), work, heal(1, "down"), healed(1, "down", &yes), work}},
		{"another kind bit", "fault-did-not-bite", []step{inject(0, "down"), bite(0, "down", &no), work, heal(0, "down"), healed(0, "down", &yes),
			inject(1, "reset"), bite(1, "reset", &yes), work, heal(1, "reset"), healed(1, "reset", &yes), work}},
		{"never healed", "heal-did-not-hold", []step{inject(0, "down"), bite(0, "down", &yes), work, heal(0, "down"), work}},
		{"heal not proven", "heal-did-not-hold", []step{inject(0, "down"), bite(0, "down", &yes), work, heal(0, "down"), healed(0, "down", nil), work}},
		{"nobody worked during it", "too-little-work", []step{work, inject(0, "down"), bite(0, "down", &yes), heal(0, "down"), healed(0, "down", &yes), work}},
		{"nobody worked after it", "too-little-work, too-little-work", []step{work, inject(0, "down"), bite(0, "down", &yes), work, heal(0, "down"), healed(0, "down", &yes)}},
		{"a remark of the harness", "heal-did-not-hold", []step{work, {Process: histories.Nemesis, F: histories.Note, Event: &histories.Event{Why: "heal-did-not-hold: a toxic is left"}}}},
		{"a remark for people", "", []step{work, {Process: histories.Nemesis, F: histories.Note, Event: &histories.Event{Why: "slow: disk"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := histtest.History{Header: promised(false)}
			value := int64(0)
			for _, s := range c.steps {
				if s.Process == histories.Nemesis {
					h.Ops = append(h.Ops, s)
					continue
				}
				for range 10 {
					h.Ops = append(h.Ops, parse(t, fmt.Sprintf("p0 s %d@%d; p1 p %d@%d", value, value, value, value)).Ops...)
					value++
				}
			}
			for i := range h.Ops {
				h.Ops[i].Index, h.Ops[i].Time = int64(i), h.Ops[i].Time*0+1
			}
			v := judge(h, Options{MinAcked: -1})
			want := Valid
			if c.want != "" {
				want = Unknown
			}
			if reasons(v) != c.want || v.Valid != want {
				t.Fatalf("got %s, want %s\n%s", reasons(v), c.want, text(v))
			}
		})
	}
}

func TestEveryLogNeedsWork(t *testing.T) {
	h := parse(t, "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; p0 s k1 3@0; p1 p k1 3@0")
	h.Header = promised(false)
	h.Header.Logs = []histories.Log{{Key: 0, Topic: "a"}, {Key: 1, Topic: "a", Partition: 1}, {Key: 2, Topic: "b"}}
	v := judge(h, Options{MinAcked: 2})
	if v.Valid != Unknown || reasons(v) != "too-little-work" || !strings.Contains(v.Unknown[0].Why, "a/1 has 1 acknowledged records, 2 are needed (and 1 more logs)") {
		t.Fatalf("%s", text(v))
	}
	if v = judge(h, Options{MinAcked: -1}); v.Valid != Valid {
		t.Fatalf("%s", text(v))
	}
}

// TestCutHistory: a torn tail leaves the violations and takes the rest away.
func TestCutHistory(t *testing.T) {
	for _, c := range []struct {
		history string
		want    Validity
	}{{"p0 s 1@0; p1 p 1@0", Unknown}, {"p0 s 1 !fail; p1 p 1@0", Invalid}} {
		j := NewJudge(histories.Header{}, false, Options{})
		h := parse(t, c.history)
		for i := range h.Ops {
			j.Observe(&h.Ops[i])
		}
		j.Cut("history.jsonl: line 5: torn")
		if v := j.Finish(); v.Valid != c.want || !v.Incomplete || reasons(v) != "incomplete-run" {
			t.Errorf("%s: %s", c.history, text(v))
		}
	}
}
