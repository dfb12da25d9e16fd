package report

import (
	"strings"
	"testing"

	"github.com/ackproof/ackproof/checker"
)

// TestInformationalKindsAreCounted keeps what breaks no promise from burying
// what does.
func TestInformationalKindsAreCounted(t *testing.T) {
	var b strings.Builder
	anomalies(&b, Run{Dir: "store/x", Verdict: checker.Verdict{Anomalies: []checker.Anomaly{
		{Kind: checker.G0, AllowedBy: "informational", Count: 399, Examples: []checker.Example{{Why: "A long circle."}}},
		{Kind: checker.Duplicate, AllowedBy: "idempotence=false", Count: 2, Examples: []checker.Example{{Why: "Record 1 stands twice.", Ops: []int64{3, 5}}}},
		{Kind: checker.IntSendSkip, AllowedBy: "informational", Count: 7},
	}}})
	const want = `
duplicate: 2 (allowed by idempotence=false)
  Record 1 stands twice. [entries 3, 5]

counted, because they break no promise: G0 399, int-send-skip 7 (ackproof show store/x KIND explains one)
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
