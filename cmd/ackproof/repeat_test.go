package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/internal/run"
)

// Reading the repeat command gives the spec that it was made from.
func TestRepeatCommandReadsBack(t *testing.T) {
	for _, flags := range [][]string{
		{"--seed", "1"},
		{"--seed", "9007199254740991", "--name", "mine", "--nemesis", "down,stall"},
		{"--seed", "2", "--target", "external:a:1,b:2", "--acks", "1", "--rate", "0"},
		{"--seed", "3", "--target", "external:a:1", "--nemesis", "all", "--safe", "--acks", "1"},
		{"--seed", "4", "--safe", "--idempotence=false", "--concurrency", "3n", "--calm", "1500ms", "--compress"},
		{"--seed", "6", "--topic-config", "min.insync.replicas=1,unclean.leader.election.enable=true", "--durability", "synced"},
		{"--seed", "5", "--metrics", "n1=http://a/m,n2=http://b/m", "--metric", "elections=elections_total", "--metric", "errors=errors_total"},
	} {
		want := specOf(t, flags)
		line := repeatCommand(want, runFlags{store: defaultStore})
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "ackproof" || words[1] != "run" {
			t.Fatalf("%v: %s", flags, line)
		}
		got := specOf(t, words[2:])
		got.Safe = want.Safe // stands for the flags that it sets
		if string(got.Encode()) != string(want.Encode()) {
			t.Errorf("%v: %s gives\n%s\nwant\n%s", flags, line, got.Encode(), want.Encode())
		}
	}
	line := repeatCommand(specOf(t, []string{"--seed", "1"}), runFlags{store: "my store", plan: "it's.json"})
	if want := `ackproof run --plan 'it'\''s.json' --store 'my store' --seed 1`; line != want {
		t.Errorf("%s, want %s", line, want)
	}
}

func specOf(t *testing.T, flags []string) run.Spec {
	t.Helper()
	s, fs := run.Default(), pflag.NewFlagSet("", pflag.ContinueOnError)
	specFlags(fs, &s)
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	if err := finishSpec(&s, fs); err != nil {
		t.Fatal(err)
	}
	return s
}
