package checker

import (
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// byJepsen judges a history without a header by Jepsen's rules.
func byJepsen(t testing.TB, text string, rules JepsenRules) *JepsenVerdict {
	t.Helper()
	h := parse(t, text)
	j := NewJudge(histories.Header{}, false, Options{Jepsen: &rules})
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	return j.Finish().Jepsen
}

// TestWorkedExamples holds --rules jepsen to verdicts of the unmodified checker.
func TestWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		name, history string
		types, bad    string // with ww-deps and assign
	}{
		{"E1", "p0 s 1@0; p0 s 2@1; p1 p 2@1", "lost-write unseen", "lost-write unseen"},
		{"E2", "p0 s 1@0; p0 s 2@1; p1 p 1@0", "unseen", "unseen"},
		{"E3", "p0 s 1@0 !info; p1 s 2@0; p2 p 2@0", "", ""},
		{"E4", "p0 t s 1@0 k1 1@0 !info; p1 s 2@0; p2 p 2@0; p3 p k1 1@0", "inconsistent-offsets lost-write", "inconsistent-offsets lost-write"},
		{"E5", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p 3@2; p2 p 2@1", "poll-skip", "poll-skip"},
		{"E6", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 a 1; p1 a 0; p1 p 3@2; p2 p 2@1", "", ""},
		{"E7", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p 2@1 !fail; p1 p 3@2; p2 p 2@1", "poll-skip", "poll-skip"},
		{"E8", "p0 s 1 !fail; p1 p 1@0", "G1a", "G1a"}, // without the false unseen
		{"E9", "p0 t s 1@1 2@0; p1 p 2@0 1@1", "int-nonmonotonic-send", "int-nonmonotonic-send"},
		{"E10", "p0 s 1@5; p1 s 2@3; p2 p 2@3 1@5", "G0-realtime strong-PL-1-cycle-exists", ""},
		{"E11", "p1 p 1@0; p0 s 1@0", "G1c-realtime strong-PL-2-cycle-exists", ""},
		{"G0", "p0 > t s 1 k1 1; p1 > t s 2 k1 2; p0 < t s 1@0 k1 1@1; p1 < t s 2@1 k1 2@0; p2 p 1@0 2@1 k1 2@0 1@1", "G0 PL-1-cycle-exists", ""},
		{"G1c", "p0 > t s 1 | p k1; p1 > t s k1 1 | p; p0 < t s 1@0 | p k1 1@0; p1 < t s k1 1@0 | p 1@0", "G1c PL-2-cycle-exists", ""},
		{"precommitted", "p0 t s 1@0 | p 1@0", "empty-transaction-graph precommitted-read", "empty-transaction-graph precommitted-read"},
		{"no vertex", "p0 a 0", "empty-transaction-graph", "empty-transaction-graph"},
		{"one operation", "p0 p", "empty-transaction-graph", "empty-transaction-graph"},
		{"two empty polls", "p0 p; p0 p", "", ""},
		{"duplicate and what follows", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1 1@2; p2 p 1@0 2@1",
			"G0 PL-1-cycle-exists duplicate int-nonmonotonic-poll nonmonotonic-send", "duplicate int-nonmonotonic-poll nonmonotonic-send"},
		{"conflict", "p0 s 1@0; p1 s 2 !info; p2 p 1@0; p3 p 2@0", "inconsistent-offsets", "inconsistent-offsets"},
		{"rebalanced inside", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 3@2 rebalance=assigned:-1:0; p2 p 2@1", "", ""},
		{"rebalanced elsewhere", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 3@2 rebalance=assigned:-1:1; p2 p 2@1", "int-poll-skip", "int-poll-skip"},
		{"cut into", "p0 > t s 1 2; p1 > s 3; p0 < t s 1@0 2@2; p1 < s 3@1; p2 p 1@0 3@1 2@2", "G0 PL-1-cycle-exists int-send-skip", ""},
		{"an empty list erases the position", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p k0; p1 p 3@2; p2 p 2@1", "", ""},
		{"seen by a failed poll only", "p0 s 1@0; p0 s 2@1; p1 p 1@0 !fail; p2 p 2@1", "lost-write unseen", "lost-write unseen"},
		{"failed and sent again", "p0 s 1@0; p0 s 1 !fail; p1 p 1@0", "G1a", "G1a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := byJepsen(t, c.history, JepsenRules{})
			if got := strings.Join(v.ErrorTypes, " "); got != c.types {
				t.Errorf("%s\nerror-types %s\nwant        %s", c.history, got, c.types)
			}
			if got := strings.Join(v.BadErrorTypes, " "); got != c.bad {
				t.Errorf("%s\nbad-error-types %s\nwant            %s", c.history, got, c.bad)
			}
			if v.Crash != "" || (v.Valid == Valid) != (c.bad == "") {
				t.Errorf("%s\nvalid %v, crash %q", c.history, v.Valid, v.Crash)
			}
		})
	}
}

// TestJepsensCrashes: where its checker throws it says unknown.
func TestJepsensCrashes(t *testing.T) {
	for _, history := range []string{
		"p0 s 1@0; p1 p 1@0 99@1", // E12
		"p0 > s 1; p1 p 1@0",
		"p0 s 1@?; p1 p 1@?",
	} {
		if v := byJepsen(t, history, JepsenRules{}); v.Valid != Unknown || v.Crash == "" {
			t.Errorf("%s: %+v", history, v)
		}
	}
}

func TestJepsensOptions(t *testing.T) {
	skip := "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p 3@2; p2 p 2@1"
	if v := byJepsen(t, skip, JepsenRules{Subscribe: true}); v.Valid != Valid || len(v.ErrorTypes) != 1 {
		t.Errorf("a skip of a consumer that subscribes: %+v", v)
	}
	future := "p1 p 1@0; p0 s 1@0"
	if v := byJepsen(t, future, JepsenRules{NoWW: true}); v.Valid != Invalid || strings.Join(v.BadErrorTypes, " ") != "G1c-realtime strong-PL-2-cycle-exists" {
		t.Errorf("a read from the future without ww-deps: %+v", v)
	}
	if v := byJepsen(t, "p0 s 1@5; p1 s 2@3; p2 p 2@3 1@5", JepsenRules{NoWW: true}); len(v.ErrorTypes) != 0 {
		t.Errorf("without ww-deps the order of writes counts: %+v", v)
	}
}
