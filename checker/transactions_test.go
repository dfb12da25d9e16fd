package checker

import (
	"testing"

	"github.com/ackproof/ackproof/internal/histtest"
)

// TestPerfectTransactions: what a perfect cluster does in transactions, aborts,
// fences and transformations included, is valid.
func TestPerfectTransactions(t *testing.T) {
	for seed := range uint64(6) {
		h := histtest.Valid(histtest.Options{Seed: seed, Txns: true, Ops: 2000, Logs: 2 + int(seed%3), Clients: 3 + int(seed), InfoRate: 0.02, FailRate: 0.02})
		v := judge(h, Options{MinAcked: 5, MinOpsPerFault: 1})
		if v.Valid != Valid {
			t.Fatalf("seed %d: %s", seed, text(v))
		}
	}
}
