package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A spec that was saved is the spec that is read; every default is allowed.
func TestSpecRoundTrip(t *testing.T) {
	s := Default()
	s.Seed, s.Nemesis, s.Concurrency, s.Mutant = 1<<53-1, []string{"down", "stall"}, "3n", "duplicate"
	path := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(path, s.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSpec(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(back.Encode()) != string(s.Encode()) {
		t.Errorf("read back:\n%s\nwritten:\n%s", back.Encode(), s.Encode())
	}
}

// What is wrong with a saved spec is named with its place.
func TestReadSpecErrors(t *testing.T) {
	sound := string(Default().Encode())
	line := func(field string) string {
		before, _, _ := strings.Cut(sound, field)
		return fmt.Sprintf("line %d: ", 1+strings.Count(before, "\n"))
	}
	for _, c := range []struct{ what, text, want string }{
		{"empty", "", "EOF"},
		{"torn", sound[:len(sound)/2], "unexpected EOF"},
		{"two", sound + sound, "more than one JSON value"},
		{"unknown field", strings.Replace(sound, `"acks"`, `"ackz"`, 1), line(`"acks"`) + `json: unknown field "ackz"`},
		{"missing field", strings.Replace(sound, `  "seed": 0,`+"\n", "", 1), "field seed is missing"},
		{"wrong type", strings.Replace(sound, `"nodes": 3`, `"nodes": "three"`, 1), line(`"nodes"`) + "field nodes: want a value of type int, not a JSON string"},
		{"wrong duration", strings.Replace(sound, `"20s"`, `"20"`, 1), "want a number with a unit"},
		{"newer", strings.Replace(sound, `"format": 1`, `"format": 9`, 1), "field format is 9; this version reads 1"},
		{"out of range", strings.Replace(sound, `"topics": 2`, `"topics": -2`, 1), "topics is -2; allowed is 1 to 1000"},
	} {
		path := filepath.Join(t.TempDir(), "spec.json")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSpec(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want the path and %q", c.what, err, c.want)
		}
	}
}

// Each field that cannot be is refused with what is allowed.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Spec)
	}{
		{`did you mean "queue"`, func(s *Spec) { s.Workload = "queu" }},
		{`did you mean "external"`, func(s *Spec) { s.Target = "xternal:a:1" }},
		{"want the address of at least one broker", func(s *Spec) { s.Target = "external" }},
		{"embedded takes no argument", func(s *Spec) { s.Target = "embedded:5" }},
		{"replication is 4; allowed is 1 to 3", func(s *Spec) { s.Replication = 4 }},
		{`"all" stands alone`, func(s *Spec) { s.Nemesis = []string{"all", "down"} }},
		{`did you mean "stall"`, func(s *Spec) { s.Nemesis = []string{"stal"} }},
		{"only the embedded target", func(s *Spec) { s.Target, s.Mutant = "external:a:1", "duplicate" }},
		{"want http://HOST:PORT", func(s *Spec) { s.Toxiproxy = "ftp://a" }},
		{"time-limit (seconds) is 0.5", func(s *Spec) { s.TimeLimit = Duration(500 * time.Millisecond) }},
		{"calm (seconds) is 21; allowed is 0 to 20", func(s *Spec) { s.Calm = Duration(21 * time.Second) }},
		{"poll-wait (seconds) is 1; allowed is 0 to 0.5", func(s *Spec) { s.PollWait = Duration(time.Second) }},
		{"want a positive number of clients", func(s *Spec) { s.Concurrency = "0" }},
		{"at most 10000", func(s *Spec) { s.Concurrency = "10001n" }},
		{"want a plain directory name", func(s *Spec) { s.Name = "../x" }},
		{"want a plain directory name", func(s *Spec) { s.Name = "latest" }},
		{`acks "2"`, func(s *Spec) { s.Acks = "2" }},
		{`did you mean "zstd"`, func(s *Spec) { s.Compression = "zst" }},
		{`unknown model "linear"`, func(s *Spec) { s.Model = "linear" }},
	} {
		s := Default()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
