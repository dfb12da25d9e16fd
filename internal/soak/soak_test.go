package soak

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/run"
)

// TestRounds makes two short rounds on one cluster.
func TestRounds(t *testing.T) {
	spec := run.Default()
	spec.Nemesis, spec.Rate, spec.Topics, spec.Partitions, spec.MinAcked = []string{"none"}, 300, 1, 2, 1
	spec.TimeLimit, spec.Calm = run.Duration(time.Second), run.Duration(100*time.Millisecond)
	spec.Recovery, spec.Quiet = run.Duration(200*time.Millisecond), run.Duration(100*time.Millisecond)
	var lines []string
	s, err := New(t.TempDir(), File{Seed: 7, Specs: []run.Spec{spec}, Limit: run.Duration(2 * time.Second)}, Options{
		Tool: "test", Done: func(r Round) { lines = append(lines, r.Line()) },
		Summary: func(w io.Writer, _ run.Result, repeat string) { io.WriteString(w, repeat) },
		Repeat:  func(s run.Spec) string { return "repeat it" },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	f, err := Read(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Rounds) < 1 || len(lines) != len(f.Rounds) || f.Ended != "its time is up" || f.Sessions != 1 {
		t.Fatalf("%d rounds, %d lines, ended %q", len(f.Rounds), len(lines), f.Ended)
	}
	seeds := map[uint64]bool{}
	for i := range f.Rounds {
		r := &f.Rounds[i]
		if r.Valid == checker.Invalid || r.Error != "" || r.Ops == 0 || r.Usage == nil || r.Usage.Goroutines == 0 || r.Repeat != "repeat it" {
			t.Errorf("round %d: %+v", i+1, r)
		}
		if seeds[r.Seed] || r.Seed != f.spec(r.N).Seed {
			t.Errorf("round %d has the seed %d", r.N, r.Seed)
		}
		seeds[r.Seed] = true
		_, herr := os.Stat(filepath.Join(s.Dir, r.Dir, histories.HistoryFile))
		_, verr := readVerdict(filepath.Join(s.Dir, r.Dir))
		if passed := r.Passed(); verr != nil || (herr != nil) != passed || (r.Kept == KeptEssence) != passed {
			t.Errorf("round %d passed: %v; kept %s, verdict %v, history %v", r.N, passed, r.Kept, verr, herr)
		}
	}
	if table, err := os.ReadFile(filepath.Join(s.Dir, TableName)); err != nil || !strings.Contains(string(table), "its time is up") {
		t.Errorf("the table: %v\n%s", err, table)
	}
}

// bedded makes a soak's directory by hand, with rounds that passed.
func bedded(t *testing.T, rounds int) (*File, string) {
	t.Helper()
	f := &File{Format: Format, Seed: 5, Specs: []run.Spec{run.Default()}, Limit: run.Duration(time.Hour), Sessions: 1, Rounds: []Round{}}
	dir := filepath.Join(t.TempDir(), "night")
	for n := 1; n <= rounds; n++ {
		r := Round{N: n, Seed: f.spec(n).Seed, Dir: stampDir(n), Valid: checker.Valid, Kept: KeptEssence}
		roundDir(t, dir, r, f.spec(n), checker.Valid)
		f.Rounds = append(f.Rounds, r)
		if err := f.save(dir); err != nil {
			t.Fatal(err)
		}
	}
	return f, dir
}

func stampDir(n int) string {
	return time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC).Format("20060102T150405.000Z")
}

// roundDir makes a run directory; with Unknown it has no verdict.
func roundDir(t *testing.T, dir string, r Round, spec run.Spec, valid checker.Validity) string {
	t.Helper()
	d := filepath.Join(dir, r.Dir)
	if err := os.MkdirAll(d, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(d, histories.SpecFile), spec.Encode())
	if valid != checker.Unknown {
		put(t, filepath.Join(d, histories.VerdictFile), run.EncodeVerdict(checker.Verdict{Format: 1, Valid: valid, Judged: checker.Judged{Ops: 70}}))
	}
	return d
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// resumed resumes a soak and returns what was said.
func resumed(t *testing.T, dir string) (*Soak, string) {
	t.Helper()
	var said strings.Builder
	s, err := Resume(dir, Options{Progress: func(line string) { said.WriteString(line + "\n") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.lock.Close() })
	return s, said.String()
}

// TestResumeFromTheFileBefore: a soak.json that is torn costs the last round's
// line at most, and that round is found again by its directory.
func TestResumeFromTheFileBefore(t *testing.T) {
	_, dir := bedded(t, 3)
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, FileName), b[:len(b)/2])
	s, said := resumed(t, dir)
	if len(s.File.Rounds) != 3 || !strings.Contains(said, "going on from soak.json.prev, which tells of 2 rounds") || !strings.Contains(said, "round 3 was whole") {
		t.Errorf("%d rounds:\n%s", len(s.File.Rounds), said)
	}
	if r := s.File.Rounds[2]; r.Ops != 70 || !r.Passed() || r.Dir != stampDir(3) {
		t.Errorf("%+v", r)
	}
	if _, err := Read(dir); err != nil {
		t.Errorf("the file is not whole again: %v", err)
	}
	_ = s.lock.Close()
	put(t, filepath.Join(dir, FileName), nil)
	put(t, filepath.Join(dir, prevName), []byte("{}"))
	var refused *run.Refused
	if _, err := Resume(dir, Options{}); !errors.As(err, &refused) {
		t.Errorf("with neither file whole: %v", err)
	}
}

// TestResumeBrokenRounds: what broke off is judged as far as it goes and made
// again; where that convicts, it stands as its round.
func TestResumeBrokenRounds(t *testing.T) {
	t.Run("cut off", func(t *testing.T) {
		f, dir := bedded(t, 1)
		d := roundDir(t, dir, Round{Dir: stampDir(2)}, f.spec(2), checker.Unknown)
		path := filepath.Join(d, histories.HistoryFile)
		if _, err := histtest.Write(path, histtest.Options{Seed: 1, Ops: 400}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, b[:len(b)/2])
		s, said := resumed(t, dir)
		if len(s.File.Rounds) != 1 || s.File.next() != 2 || len(s.File.Cut) != 1 || !strings.Contains(said, "the round is made again") {
			t.Fatalf("rounds %+v, cut %+v:\n%s", s.File.Rounds, s.File.Cut, said)
		}
		if c := s.File.Cut[0]; c.N != 2 || c.Valid != checker.Unknown || c.Ops == 0 || s.File.Worst() != checker.Valid {
			t.Errorf("%+v makes the soak %v", c, s.File.Worst())
		}
		if _, err := os.Stat(path); err != nil {
			t.Error("what was recorded is not kept")
		}
		_ = s.lock.Close()
		if again, said := resumed(t, dir); len(again.File.Cut) != 1 || strings.Contains(said, "made again") {
			t.Errorf("resumed twice, it is said twice: %s", said)
		}
	})
	t.Run("cut off and convicted", func(t *testing.T) {
		f, dir := bedded(t, 1)
		d := roundDir(t, dir, Round{Dir: stampDir(2)}, f.spec(2), checker.Unknown)
		convert(t, "../../histories/corpus/two-values-at-one-offset.txt", filepath.Join(d, histories.HistoryFile))
		s, said := resumed(t, dir)
		if len(s.File.Rounds) != 2 || !s.File.Rounds[1].Convicted() || s.File.Worst() != checker.Invalid || !strings.Contains(said, "convicts") {
			t.Fatalf("%+v:\n%s", s.File.Rounds, said)
		}
		if why := s.over(); why != "round 2 convicted" {
			t.Errorf("it goes on: %q", why)
		}
	})
	t.Run("not begun, and a stranger", func(t *testing.T) {
		_, dir := bedded(t, 2)
		if err := os.Mkdir(filepath.Join(dir, stampDir(3)), 0o755); err != nil {
			t.Fatal(err)
		}
		stranger := run.Default()
		stranger.Seed = 99
		roundDir(t, dir, Round{Dir: stampDir(4)}, stranger, checker.Valid)
		put(t, filepath.Join(dir, stampDir(1), histories.VerdictFile), []byte(`{"format":1,"val`))
		s, said := resumed(t, dir)
		if s.File.next() != 3 || len(s.File.Cut) != 1 || !strings.Contains(s.File.Cut[0].Error, "before it began") {
			t.Errorf("next is %d, cut %+v", s.File.next(), s.File.Cut)
		}
		for _, want := range []string{"seed 99 is that of no round", "round 1: verdict ", "what soak.json says of it stands"} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
	})
}

func convert(t *testing.T, from, to string) {
	t.Helper()
	in, err := histories.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(histories.Convert(in, out, histories.Formats[0]), out.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestLocked: two processes never work on one soak.
func TestLocked(t *testing.T) {
	_, dir := bedded(t, 1)
	resumed(t, dir)
	var refused *run.Refused
	if f, err := lockFor(dir, 50*time.Millisecond); !errors.As(err, &refused) {
		t.Errorf("locked twice: %v %v", f, err)
	}
}

// TestBudget: the oldest rounds that passed go first, and never another one.
func TestBudget(t *testing.T) {
	f, dir := bedded(t, 4)
	f.Rounds[1].Valid = checker.Invalid
	for n := 1; n <= 4; n++ {
		put(t, filepath.Join(dir, stampDir(n), "big"), make([]byte, 100_000))
	}
	s := &Soak{File: f, Dir: dir}
	left := func() (out []int) {
		for i := range f.Rounds {
			_, err := os.Stat(filepath.Join(dir, f.Rounds[i].Dir))
			if there := err == nil; there != (f.Rounds[i].Kept != KeptNothing) {
				t.Errorf("round %d: kept %s, there %v", i+1, f.Rounds[i].Kept, there)
			}
			if err == nil {
				out = append(out, f.Rounds[i].N)
			}
		}
		return out
	}
	for _, step := range []struct {
		budget int64
		left   []int
		fails  bool
	}{
		{1_000_000, []int{1, 2, 3, 4}, false},
		{350_000, []int{2, 3, 4}, false},
		{250_000, []int{2, 4}, false},
		{50_000, []int{2}, true},
	} {
		f.DiskBudget = step.budget
		err := s.keepBudget()
		if got := left(); !slices.Equal(got, step.left) || (err != nil) != step.fails {
			t.Errorf("budget %d: rounds %v are left, error %v", step.budget, got, err)
		}
	}
}

// TestWorst: invalid before unknown before valid, and no round at all is unknown.
func TestWorst(t *testing.T) {
	row := func(v checker.Validity, err string) Round { return Round{Valid: v, Error: err} }
	for _, tt := range []struct {
		rounds, cut []Round
		want        checker.Validity
	}{
		{nil, nil, checker.Unknown},
		{[]Round{row(checker.Valid, "")}, nil, checker.Valid},
		{[]Round{row(checker.Valid, ""), row(checker.Valid, "no topic could be made")}, nil, checker.Unknown},
		{[]Round{row(checker.Unknown, ""), row(checker.Valid, "")}, nil, checker.Unknown},
		{[]Round{row(checker.Unknown, ""), row(checker.Invalid, "and the heal failed")}, nil, checker.Invalid},
		{[]Round{row(checker.Valid, "")}, []Round{row(checker.Unknown, "")}, checker.Valid},
		{[]Round{row(checker.Valid, "")}, []Round{row(checker.Invalid, "")}, checker.Invalid},
	} {
		f := File{Rounds: tt.rounds, Cut: tt.cut}
		if got := f.Worst(); got != tt.want {
			t.Errorf("%+v and %+v make %v, want %v", tt.rounds, tt.cut, got, tt.want)
		}
	}
}
