package checker

import (
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestLossByCrash: what was acknowledged before every in-sync replica crashed at
// once may be gone where the contract promises replication, and only there.
func TestLossByCrash(t *testing.T) {
	const (
		isr12 = `nemesis state {"id":-1,"state":{"partitions":[{"topic":"t","partition":0,"leader":"n1","epoch":1,"isr":["n1","n2"],"replicas":["n1","n2","n3"],"end":1}]}}; `
		all   = "nemesis inject id=0 fault=power-loss on=n1,n2,n3; nemesis bite id=0 fault=power-loss on=n1,n2,n3 held=true; nemesis healed id=0 fault=power-loss on=n1,n2,n3 held=true; "
		n1    = "nemesis inject id=1 fault=kill on=n1; nemesis bite id=1 fault=kill on=n1 held=true; "
		n2    = "nemesis inject id=2 fault=kill on=n2; nemesis bite id=2 fault=kill on=n2 held=true; "
		up1   = "nemesis healed id=1 fault=kill on=n1 held=true; "
		up2   = "nemesis healed id=2 fault=kill on=n2 held=true; "
		lost  = "p0 s 1@0; p0 s 2@1; "
	)
	for _, c := range []struct{ name, durability, history, want string }{
		{"all at once", "replicated", lost + all + "p1 p" + final("1", "1@0"), "unseen 1 (durability=replicated)"},
		{"after it was read", "replicated", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; " + all + "p2 p" + final("1", "1@0"), "truncated-ack 1 (durability=replicated)"},
		{"where disks are promised", "synced", lost + all + "p1 p" + final("1", "1@0"), "unseen 1"},
		{"where nothing is stated", "", lost + all + "p1 p" + final("1", "1@0"), "unseen 1"},
		{"before the acknowledgement", "replicated", all + lost + "p1 p" + final("1", "1@0"), "unseen 1"},
		{"while the nodes were being ended", "replicated", strings.Replace(all, "nemesis bite", lost+"nemesis bite", 1) + "p1 p" + final("1", "1@0"), "unseen 1 (durability=replicated)"},
		{"one of three", "replicated", lost + n1 + up1 + "p1 p" + final("1", "1@0"), "unseen 1"},
		{"two of three that may all be in sync", "replicated", lost + n1 + n2 + up1 + up2 + "p1 p" + final("1", "1@0"), "unseen 1"},
		{"all that are in sync", "replicated", lost + isr12 + n1 + n2 + up1 + up2 + "p1 p" + final("1", "1@0"), "unseen 1 (durability=replicated)"},
		{"one after the other", "replicated", lost + isr12 + n1 + up1 + n2 + up2 + "p1 p" + final("1", "1@0"), "unseen 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			h.Header = promised(true)
			h.Header.Contract.Durability, h.Header.Contract.ReplicationFactor = c.durability, 3
			h.Header.Logs = []histories.Log{{Key: 0, Topic: "t", Partition: 0}}
			v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
			if got, _, _ := strings.Cut(headlinesOf(v), " / "); got != c.want {
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, text(v))
			}
		})
	}
}
