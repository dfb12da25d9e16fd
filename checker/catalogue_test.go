package checker

import (
	"slices"
	"strings"
	"testing"
)

func TestCatalogues(t *testing.T) {
	seen := map[Kind]bool{}
	for _, k := range Kinds {
		if k.Name == "" || k.Doc == "" || k.Evidence == "" || k.Group == "" || seen[k.Name] {
			t.Errorf("kind %q: named once, with group, guarantee and evidence: %+v", k.Name, k)
		}
		if k.Group != GroupHarness && k.Source == "" {
			t.Errorf("kind %q does not say who gives the guarantee", k.Name)
		}
		seen[k.Name] = true
	}
	owner, names := map[Kind]string{}, map[string]bool{}
	for _, c := range Checkers {
		if c.Name == "" || c.Doc == "" || c.New == nil || names[c.Name] {
			t.Errorf("checker %q: named once, with a sentence and a pass", c.Name)
		}
		names[c.Name] = true
		for _, k := range c.Kinds {
			if !seen[k] {
				t.Errorf("checker %s reports %q, which is not in Kinds", c.Name, k)
			}
			if Kinds[rank[k]].Group != GroupHarness && owner[k] != "" {
				t.Errorf("%q is reported by %s and by %s", k, owner[k], c.Name)
			}
			owner[k] = c.Name
		}
	}
	for _, k := range Kinds {
		if owner[k.Name] == "" {
			t.Errorf("no checker reports %q", k.Name)
		}
	}
}

// TestEveryKindHasAGuiltyHistory keeps the tables complete.
func TestEveryKindHasAGuiltyHistory(t *testing.T) {
	guilty := map[Kind]bool{}
	for _, c := range slices.Concat(kindCases, stableCases) {
		h := parse(t, c.history)
		h.Header = c.header()
		for _, a := range judge(h, Options{Model: Strict, MinAcked: -1, MinOpsPerFault: -1}).Anomalies {
			guilty[a.Kind] = true
		}
	}
	for _, c := range groupCases {
		for kind := range strings.FieldsSeq(c.want) {
			guilty[Kind(kind)] = true // TestGroups holds the verdict to it
		}
	}
	for _, c := range Checkers {
		if c.Alone {
			continue // it has tables of its own
		}
		for _, k := range c.Kinds {
			if Kinds[rank[k]].Group != GroupHarness && !guilty[k] {
				t.Errorf("no history in the table is guilty of %s", k)
			}
		}
	}
}
