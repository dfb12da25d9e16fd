package checker

import (
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// judgeForeign judges a history without a header, as Jepsen's files are.
func judgeForeign(t *testing.T, text string) Verdict {
	t.Helper()
	j := NewJudge(histories.Header{}, false, Options{})
	h := parse(t, text)
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	return j.Finish()
}

// TestJepsensCases holds the kinds that jepsen.tests.kafka has to its verdicts
// on small histories of the same shape, its known mistakes excepted.
func TestJepsensCases(t *testing.T) {
	for _, c := range []struct{ name, want, history string }{
		{"E1 lost below what was read", "lost-write 1 / unseen 1", "p0 s 1@0; p0 s 2@1; p1 p 2@1"},
		{"E2 unseen above it", "unseen 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0"},
		{"E3 an unknown send is not proven by its offset", "", "p0 s 1@0 !info; p1 s 2@0; p2 p 2@0"},
		{"E4 it is by another record of its transaction", "lost-write 1 / inconsistent-offset 1",
			"p0 t s 1@0 k1 1@0 !info; p1 s 2@0; p2 p 2@0; p2 p k1 1@0"},
		{"E5 skipped, not lost", "poll-skip 1", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p 3@2; p2 p 2@1"},
		{"E6 assigned anew", "", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 a 1; p1 a 0; p1 p 3@2; p2 p 2@1"},
		{"E7 a failed poll rewinds", "poll-skip 1", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0; p1 p 2@1 !fail; p1 p 3@2; p2 p 2@1"},
		{"E8 no false unseen beside an aborted read", "aborted-read 1", "p0 s 1 !fail; p1 p 1@0"},
		{"E9 swapped in a transaction", "int-nonmonotonic-send 1 / offset-regression 1", "p0 t s 1@1 2@0; p1 p 2@0 1@1"},
		{"E10 order of two producers is not promised", "", "p0 s 1@5; p1 s 2@3; p2 p 2@3 1@5"},
		{"E11 read before it was sent", "future-read 1", "p1 p 1@0; p0 s 1@0"},
		{"E12 a value that nobody sent does not stop the check", "phantom-read 1", "p0 s 1@0; p1 p 1@0 99@1"},
		{"only a failed poll saw it", "lost-write 1 / unseen 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 !fail; p2 p 2@1"},
		{"no offset, never read", "unseen 1", "p0 s 1@?; p0 s 2@1; p1 p 2@1"},
		{"first polled by the last operation, never acknowledged", "", "p0 s 1 !info; p1 p 1@0"},
		{"only unknown offsets", "", "p0 s 1@?; p1 p 1@?"},
		{"a huge offset", "", "p0 s 1@50000000; p0 s 2@4611686018427387904; p1 p 1@50000000 2@4611686018427387904"},
		{"the same value in two logs", "", "p0 s 1@0; p0 s k1 1@0; p1 p 1@0 k1 1@0"},
		{"duplicate without a cascade", "duplicate 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1 1@2; p2 p 1@0 2@1"},
		{"a failed value sent again", "", "p0 s 1@0; p0 s 1 !fail; p1 p 1@0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := judgeForeign(t, c.history)
			if got := headlinesOf(v); got != c.want {
				t.Fatalf("%s\ngot  %s\nwant %s\n%s", c.history, got, c.want, text(v))
			}
			want := Valid
			if c.want != "" {
				want = Invalid
			}
			if v.Valid != want {
				t.Fatalf("valid %v, want %v\n%s", v.Valid, want, text(v))
			}
		})
	}
}

func TestNothingToJudgeIsUnknown(t *testing.T) {
	for _, history := range []string{"", "p0 a 0", "p0 p", "p0 s 1 !fail", "p0 > s 1"} {
		if v := judgeForeign(t, history); v.Valid != Unknown || len(v.Unknown) == 0 {
			t.Errorf("%q: valid %v, want unknown with a reason\n%s", history, v.Valid, text(v))
		}
	}
}
