package checker

import (
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestWhatTheContractAllows: an anomaly that a clause allows is shown with the
// clause and does not make the run invalid.
func TestWhatTheContractAllows(t *testing.T) {
	yes, no := true, false
	lost := "p0 s 1@0; p0 s 2@1" + readEnd + "1; p9 a 0 seek=beginning; p9 p 1@0; nemesis phase end"
	twice := "p0 s 1@0; p1 p 1@0 1@1"
	nowhere := "p0 s 1@?; p1 p 1@0"
	back := "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 p 1@0"
	for _, c := range []struct {
		name, want, history string
		valid               Validity
		contract            histories.Contract
	}{
		{"loss under acks=all", "unseen 1", lost, Invalid, histories.Contract{Acks: "all"}},
		{"loss under acks=1", "unseen 1 (acks=1)", lost, Valid, histories.Contract{Acks: "1"}},
		{"loss under unclean election", "unseen 1 (unclean_election=true)", lost, Valid, histories.Contract{Acks: "all", UncleanElection: &yes}},
		{"duplicate, idempotent", "duplicate 1", twice, Invalid, histories.Contract{Idempotence: &yes, Attempts: "retried"}},
		{"duplicate, single attempts", "duplicate 1", twice, Invalid, histories.Contract{Idempotence: &no, Attempts: "single"}},
		{"duplicate, retried", "duplicate 1 (idempotence=false,attempts=retried)", twice, Valid, histories.Contract{Idempotence: &no, Attempts: "retried"}},
		{"no offset under acks=0", "", nowhere, Valid, histories.Contract{Acks: "0"}},
		{"no offset under acks=1", "invalid-ack 1", nowhere, Invalid, histories.Contract{Acks: "1"}},
		{"no offset, acks not stated", "", nowhere, Valid, histories.Contract{}},
		{"back under subscribe", "nonmonotonic-poll 1 (consumers=subscribe)", back, Valid, histories.Contract{Consumers: "subscribe"}},
		{"back under assign", "nonmonotonic-poll 1", back, Invalid, histories.Contract{Consumers: "assign"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			h.Header = histories.Header{FinalReads: h.Ops[len(h.Ops)-1].F == histories.Phase, Contract: c.contract}
			v := judge(h, Options{MinAcked: -1})
			if got := headlinesOf(v); got != c.want || v.Valid != c.valid {
				t.Fatalf("%s\ngot  %s, %v\nwant %s, %v\n%s", c.history, got, v.Valid, c.want, c.valid, text(v))
			}
		})
	}
}

func TestContractOption(t *testing.T) {
	h := parse(t, "p0 s 1@0; p0 s 2@1"+readEnd+"1; p9 a 0 seek=beginning; p9 p 1@0; nemesis phase end")
	h.Header = promised(true)
	v := judge(h, Options{MinAcked: -1, Contract: &histories.Contract{Acks: "1", Reads: Session}})
	if got := headlinesOf(v); got != "unseen 1 (acks=1)" {
		t.Fatalf("the option's contract does not replace the header's: %s", got)
	}
	if v = judge(h, Options{MinAcked: -1, Model: Kafka}); v.Model != Kafka {
		t.Fatalf("model %s, want the option's", v.Model)
	}
}
