package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestWorkflow: docs/github-actions.yml is YAML in which each job keeps its runs
// and cleans up always, and every command of ours in it is one that there is.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile("../../docs/github-actions.yml")
	if err != nil {
		t.Fatal(err)
	}
	type step struct{ Name, If, Uses, Run string }
	var flow struct {
		Jobs map[string]struct{ Steps []step }
	}
	if err := yaml.Unmarshal(text, &flow); err != nil {
		t.Fatal(err)
	}
	if len(flow.Jobs) != 2 {
		t.Errorf("%d jobs", len(flow.Jobs))
	}
	commands := 0
	for name, job := range flow.Jobs {
		for _, want := range []string{"Keep the run directories", "Leave nothing behind"} {
			i := slices.IndexFunc(job.Steps, func(s step) bool { return s.Name == want })
			if i < 0 || job.Steps[i].If != "always()" {
				t.Errorf("job %s: the step %q does not always run", name, want)
			}
		}
		for _, s := range job.Steps {
			if line, ours := strings.CutPrefix(s.Run, "ackproof "); ours {
				commands++
				checkCommand(t, strings.Fields(strings.TrimSuffix(line, " || true")))
			}
		}
	}
	if commands != 4 {
		t.Errorf("%d commands of ours, want 4", commands)
	}
}

var flagWord = regexp.MustCompile(`^--[a-z-]+$`)

// checkCommand fails unless there is such a command with such flags.
func checkCommand(t *testing.T, words []string) {
	t.Helper()
	var out bytes.Buffer
	cmd, rest, err := newRoot(strings.NewReader(""), &out, &out).Find(words)
	if err != nil || cmd.Name() == "ackproof" {
		t.Errorf("ackproof %s: %v", strings.Join(words, " "), err)
		return
	}
	for _, w := range rest {
		if flagWord.MatchString(w) && cmd.Flags().Lookup(w[2:]) == nil {
			t.Errorf("ackproof %s: no flag %s", strings.Join(words, " "), w)
		}
	}
}
