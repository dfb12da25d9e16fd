package run

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// Trial is the run of a broken broker: the verdict on its saved history beside
// the ledger of its sins, which the checker never saw.
type Trial struct {
	Mutant  mutants.Mutant
	Verdict checker.Verdict // with every example
	Sins    []mutants.Sin
	Logs    []histories.Log
}

// Break makes the run that of a broken broker, in the workload and under the
// contract that it breaks. Its sound twin is the same run without Mutant.
func (s *Spec) Break(m mutants.Mutant) {
	s.Mutant = m.Name
	s.Workload = cmp.Or(m.Workload, s.Workload)
	s.Compression = cmp.Or(m.Compression, s.Compression)
	if m.Quiet { // and long enough for the contract's limit to pass
		s.Nemesis, s.TimeLimit = []string{"none"}, max(s.TimeLimit, Duration(12*time.Second))
	}
	if m.Fault != "" { // and long enough for it to come after the honest seconds
		s.Nemesis, s.TimeLimit = []string{m.Fault}, max(s.TimeLimit, Duration(8*time.Second))
	}
	if m.Staleness > 0 {
		s.Model, s.Staleness = checker.Kafka, Duration(m.Staleness)
	}
}

// NewTrial judges the saved history of a mutant's run again, for every example
// of what is found, and reads the ledger.
func NewTrial(res Result) (*Trial, error) {
	m, err := mutants.ByName(res.Spec.Mutant)
	if err != nil {
		return nil, fmt.Errorf("hold %s to its ledger: %w", res.Dir, err)
	}
	tr := &Trial{Mutant: m, Logs: res.Header.Logs}
	if tr.Verdict, err = CheckFile(res.Dir, checker.Options{Model: res.Spec.Model, MinAcked: res.Spec.MinAcked, MaxExamples: -1}); err != nil {
		return nil, fmt.Errorf("judge %s: %w", res.Dir, err)
	}
	tr.Sins, err = readLedger(filepath.Join(res.Dir, LedgerFile))
	return tr, err
}

// readLedger reads what a broken broker said of itself.
func readLedger(path string) (sins []mutants.Sin, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	defer f.Close()
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var s mutants.Sin
		switch err := dec.Decode(&s); {
		case errors.Is(err, io.EOF):
			return sins, nil
		case err != nil:
			return nil, fmt.Errorf("ledger %s: %w", path, err)
		}
		sins = append(sins, s)
	}
}

// Convicted holds the verdict to the mutant's row and returns what contradicts
// it: the headline must be there, and nothing that is not a follower.
func (tr *Trial) Convicted() (wrong []string) {
	v, m := tr.Verdict, tr.Mutant
	if v.Valid != checker.Invalid {
		return []string{fmt.Sprintf("the verdict is %v with %d sins", v.Valid, len(tr.Sins))}
	}
	if tr.Headline() == nil {
		wrong = append(wrong, "no headline "+m.Headline)
	}
	for _, a := range v.Anomalies {
		if a.AllowedBy == "" && !tr.inRow(a.Kind) {
			wrong = append(wrong, fmt.Sprintf("%s is not in the row of %s", a.Kind, m.Name))
		}
		for _, f := range a.Follows {
			if !tr.inRow(f.Kind) {
				wrong = append(wrong, fmt.Sprintf("%s follows from %s but is not in the row of %s", f.Kind, a.Kind, m.Name))
			}
		}
	}
	for _, r := range v.Unknown {
		if r.Kind == checker.CheckerDisagreement || r.Kind == checker.CheckerTimeout {
			wrong = append(wrong, r.Checker+": "+r.Why)
		}
	}
	return wrong
}

func (tr *Trial) inRow(k checker.Kind) bool {
	return string(k) == tr.Mutant.Headline || slices.Contains(tr.Mutant.Followers, string(k))
}

// Headline returns the anomaly that the mutant's row names; nil: there is none.
func (tr *Trial) Headline() *checker.Anomaly {
	for i, a := range tr.Verdict.Anomalies {
		if a.AllowedBy == "" && string(a.Kind) == tr.Mutant.Headline {
			return &tr.Verdict.Anomalies[i]
		}
	}
	return nil
}

// Balance compares the convictions with the ledger.
type Balance struct {
	Convicted int      // of the headline
	Ledger    int      // what the broker wrote down
	Proven    int      // of that: what is in the history for certain
	Wrong     []string // convicted without a sin, or proven and not convicted
}

// culprit is what a sin and a conviction have in common: the log, and the
// offset or, for an acknowledgement that has none, the value.
type culprit struct{ log, n int64 }

// Balance compares the convictions with the ledger. An answer that a fault cut
// off on its way is in the ledger and in no history, so every proven sin must be
// convicted, and nobody without a sin. A sin may be convicted by a follower
// alone, where what contradicts it is of another kind; that the headline is
// there is held by Convicted.
func (tr *Trial) Balance() (b Balance) {
	sinned, proven := map[culprit]bool{}, map[culprit]bool{}
	convicted, follower := map[culprit]bool{}, map[culprit]bool{}
	for _, s := range tr.Sins {
		sinned[tr.culprit(s)] = true
		if s.Proven {
			proven[tr.culprit(s)] = true
		}
	}
	for _, a := range tr.Verdict.Anomalies {
		if a.AllowedBy != "" {
			continue // no conviction
		}
		for _, e := range a.Examples {
			c := tr.convict(e)
			if string(a.Kind) != tr.Mutant.Headline {
				follower[c] = true
				continue
			}
			convicted[c] = true
			if !sinned[c] {
				b.Wrong = append(b.Wrong, fmt.Sprintf("convicted without a sin: %+v", e))
			}
		}
	}
	for _, s := range tr.Sins {
		if c := tr.culprit(s); s.Proven && !convicted[c] && !follower[c] {
			b.Wrong = append(b.Wrong, fmt.Sprintf("not convicted: %+v", s))
		}
	}
	b.Convicted, b.Ledger, b.Proven = len(convicted), len(sinned), len(proven)
	return b
}

// byValue tells whether sins are matched by the record's value: where an
// acknowledgement has no offset, or a record stands at several.
func (tr *Trial) byValue() bool {
	switch checker.Kind(tr.Mutant.Headline) {
	case checker.InvalidAck, checker.TornBatch, checker.Duplicate:
		return true
	}
	return false
}

func (tr *Trial) convict(e checker.Example) culprit {
	if tr.byValue() {
		return culprit{e.Log, e.Value}
	}
	return culprit{e.Log, e.Offset}
}

func (tr *Trial) culprit(s mutants.Sin) culprit {
	i := slices.IndexFunc(tr.Logs, func(l histories.Log) bool { return l.Topic == s.Topic && l.Partition == s.Partition })
	if i < 0 {
		return culprit{-1, s.Offset}
	}
	key := tr.Logs[i].Key
	if tr.byValue() {
		return culprit{key, s.Value}
	}
	return culprit{key, s.Offset}
}
