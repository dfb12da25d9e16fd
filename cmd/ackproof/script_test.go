package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ackproof/ackproof/internal/keep"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ackproof": main, "ackproof-panics": panics, "ackproof-broker": serveBroker})
}

// TestScripts runs testdata/script/*.txtar: each command and each exit code as
// a user meets them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "short": short, "glob": glob, "lastline": lastLine,
		},
		Setup:               endKept,
		RequireExplicitExec: true,
	})
}

// endKept ends what a script that failed keeps.
func endKept(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, "c")
	env.Defer(func() {
		kept, _ := os.ReadDir(dir)
		for _, k := range kept {
			cmd := exec.Command("ackproof", "cluster", "down", k.Name())
			cmd.Env = append(os.Environ(), keep.DirVar+"="+dir)
			_ = cmd.Run()
		}
	})
	return nil
}

// exits runs a command and demands its exit code: exits CODE COMMAND ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = exitText(err)
	}
	if got != args[0] {
		ts.Fatalf("%s exits with %s, want %s", args[1], got, args[0])
	}
}

// shortRun makes a run as short as it can be and still prove something, however
// little a busy machine gets done, on a quiet network unless later flags say
// otherwise.
var shortRun = []string{
	"run", "--time-limit", "1s", "--calm", "200ms", "--recovery", "300ms", "--quiet-time", "200ms",
	"--nemesis-interval", "1s", "--topics", "1", "--partitions", "2", "--rate", "2000", "--min-acked", "1",
}

// short makes a short run and demands its exit code: short CODE FLAGS…
func short(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: short CODE FLAGS…")
	}
	line := append([]string{args[0], "ackproof"}, shortRun...)
	if !slices.Contains(args, "--nemesis") && !slices.Contains(args, "--plan") {
		line = append(line, "--nemesis", "none")
	}
	exits(ts, false, append(line, args[1:]...))
}

// glob demands that a pattern has a match.
func glob(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: glob PATTERN")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if (len(found) > 0) == neg {
		ts.Fatalf("%s matches %q", args[0], found)
	}
}

// lastLine runs the command in the last line of a summary, as a shell would,
// with more flags: lastline FILE FLAGS…
func lastLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: lastline FILE FLAGS…")
	}
	text := strings.TrimRight(ts.ReadFile(args[0]), "\n")
	command, found := strings.CutPrefix(text[strings.LastIndexByte(text, '\n')+1:], "repeat: ")
	if !found {
		ts.Fatalf("the last line of %s is no command: %s", args[0], text)
	}
	sh, err := exec.LookPath("sh")
	ts.Check(err)
	ts.Check(ts.Exec(sh, "-c", command+" "+strings.Join(args[1:], " ")))
}
