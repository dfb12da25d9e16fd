package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/ackproof/ackproof/checker"
)

// exitText is the exit code of a finished command as text.
func exitText(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}

func TestVerdictCodes(t *testing.T) {
	for v, want := range map[checker.Validity]int{checker.Valid: exitValid, checker.Invalid: exitInvalid, checker.Unknown: exitUnknown} {
		got := exitValid
		var code *exitError
		if errors.As(verdictCode(v), &code) {
			got = code.code
		}
		if got != want {
			t.Errorf("%v exits with %d, want %d", v, got, want)
		}
	}
}

// A panic in any goroutine ends the child with status 2; the parent must not
// let it pass for unknown.
func TestAPanicIsAnInternalError(t *testing.T) {
	child := func(code string) error { return exec.Command("sh", "-c", "exit "+code).Run() }
	for code, want := range map[string]int{
		"0": exitValid, "1": exitInvalid, "2": exitInternal, "102": exitUnknown,
		"130": exitStopped, "254": exitUsage, "255": exitInternal,
	} {
		if got := translate(child(code)); got != want {
			t.Errorf("child status %s: exit code %d, want %d", code, got, want)
		}
	}
	if got := translate(exec.Command("sh", "-c", "kill -INT $$").Run()); got != exitStopped {
		t.Errorf("Ctrl-C in a command that has nothing to wind up: exit code %d, want %d", got, exitStopped)
	}
	if got := translate(exec.Command("sh", "-c", "kill -9 $$").Run()); got != exitInternal {
		t.Errorf("killed child: exit code %d, want %d", got, exitInternal)
	}
}

// panics is a command of which a goroutine panics.
func panics() {
	os.Exit(supervise(nil, func([]string) int {
		go panic("on purpose")
		select {}
	}))
}
