package names

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"latency", "down", "stall", "oneway-reply", "oneway-request"}
	for name, want := range map[string]string{
		"latancy": "latency", "Latency": "latency", "donw": "down", "oneway-repl": "oneway-reply",
		"zzzzzzzzzzzz": "", strings.Repeat("x", 100): "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", name, got, want)
		}
	}
	if got := Hint("donw", known); got != ` (did you mean "down"?)` {
		t.Errorf("the hint is %q", got)
	}
	if got := Hint("zzzzzzzzzzzz", known); got != "" {
		t.Errorf("the hint is %q, want none", got)
	}
}
