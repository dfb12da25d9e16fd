package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var updateTutorial = flag.Bool("update-tutorial", false, "write what the commands print into docs/tutorial.md")

// TestTutorial runs the commands of docs/tutorial.md and holds their output to
// what stands there, byte for byte.
func TestTutorial(t *testing.T) {
	t.Chdir("../..")
	const page = "docs/tutorial.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const fence = "```console\n"
	head, rest, _ := strings.Cut(string(b), fence)
	ran := 0
	want := head
	for rest != "" {
		block, after, ok := strings.Cut(rest, "```\n")
		if !ok {
			t.Fatalf("%s: a block does not end:\n%s", page, rest)
		}
		command, _, _ := strings.Cut(block, "\n")
		line, ok := strings.CutPrefix(command, "$ ackproof ")
		if !ok {
			t.Fatalf("%s: a block does not begin with a command: %q", page, command)
		}
		want += fence + command + "\n" + said(t, line) + "```\n"
		ran++
		head, rest, ok = strings.Cut(after, fence)
		want += head
		if !ok {
			break
		}
	}
	if *updateTutorial {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if ran < 6 {
		t.Errorf("only %d commands were found", ran)
	}
	if want != string(b) {
		t.Errorf("%s does not say what its commands print; go test ./cmd/ackproof -run TestTutorial -update-tutorial writes it\n%s", page, want)
	}
}

// said runs a command line and returns what a shell would show of it.
func said(t *testing.T, line string) string {
	t.Helper()
	line, asksCode := strings.CutSuffix(line, " > /dev/null; echo $?")
	var out, errOut bytes.Buffer
	code := Main(strings.Fields(line), nil, &out, &errOut)
	if errOut.Len() > 0 || code == exitUsage || code == exitInternal {
		t.Errorf("ackproof %s: exit %d: %s", line, code, errOut.String())
	}
	if asksCode {
		return fmt.Sprintln(code)
	}
	return out.String()
}
