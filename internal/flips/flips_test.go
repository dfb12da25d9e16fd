package flips

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	sites  = flag.Int("sites", 200, "conditions to flip")
	drawn  = flag.Uint64("flip-seed", 1, "which")
	update = flag.Bool("update", false, "write docs/checker-mutations.md")
)

const root = "../.."

// packages are the checker's, those first whose tests are the quicker ones.
var packages = []string{"checker/cycles", "checker/linear", "checker"}

// judges says whose tests are asked about a flip in a package, in turn.
var judges = map[string][]string{
	"checker":        {"checker"},
	"checker/cycles": {"checker/cycles", "checker"},
	"checker/linear": {"checker/linear", "checker"},
}

func TestConditions(t *testing.T) {
	scratch := t.TempDir()
	o, err := Wrap(scratch, "testdata/pkg")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range o.Sites {
		got = append(got, fmt.Sprintf("%d %s", s.Line, s.Text))
	}
	want := []string{
		"7 a < b", "7 ok", "7 b == 3", "10 i < a", "12 i == b", "12 ok",
		"21 slices.ContainsFunc(all, func(n int) bool { return n > a || n < b })", "21 n > a", "21 n < b",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	cmd := exec.Command("go", "vet", "-overlay", o.Path, "./testdata/pkg")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("what was wrapped does not compile: %v\n%s", err, out)
	}
	if a, b := o.Sample(4, 1), o.Sample(4, 1); !slices.Equal(a, b) || len(a) != 4 {
		t.Errorf("one seed drew %v and %v", a, b)
	}
}

// TestChecker flips conditions of the checker, one at a time, and runs its tests:
// 95 of 100 flips must be noticed. Those that no test can notice are listed, with
// the reason, in testdata/equivalents.txt.
func TestChecker(t *testing.T) {
	if os.Getenv("ACKPROOF_TEST_ALL") != "1" {
		t.Skip("ACKPROOF_TEST_ALL=1 runs the checker's tests some hundred times")
	}
	b := build(t)
	same := equivalents(t)
	list := slices.DeleteFunc(b.Sample(*sites, *drawn), func(s Site) bool { return same[key(s)] != "" })
	verdicts := make([]string, len(list))
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range list {
		g.Go(func() (err error) {
			verdicts[i], err = b.flip(ctx, s)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	killed := 0
	var survivors []Site
	for i, s := range list {
		if verdicts[i] == "" {
			survivors = append(survivors, s)
			t.Logf("flip survives: %s/%s:%d: %s", s.Dir, s.File, s.Line, s.Text)
			continue
		}
		killed++
	}
	share := 100 * float64(killed) / float64(len(list))
	t.Logf("flips: %d of %d conditions of the checker (seed %d): %d noticed by its tests, %.1f %%; %d left out as equivalent",
		len(list), len(b.Sites), *drawn, killed, share, *sites-len(list))
	if *update {
		if err := os.WriteFile(filepath.Join(root, "docs", "checker-mutations.md"), page(b, list, survivors, same), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if share < 95 {
		t.Errorf("the tests notice %.1f %% of the flips, want 95 %%", share)
	}
}

// binaries are the tests of the wrapped packages.
type binaries struct {
	*Overlay
	suites map[string]*suite // by package
}

// suite is the tests of one package in parts, the cheapest first: most flips
// are noticed by them.
type suite struct {
	pkg, binary string
	flags       []string
	parts       []part
}

// part is some of the tests, with the processor time that they take with no
// condition flipped.
type part struct {
	tests []string
	cost  time.Duration
}

// shares of the time of all tests that the first parts take, the last one takes
// the rest.
var shares = []float64{0.02, 0.2, 1}

func build(t *testing.T) *binaries {
	t.Helper()
	scratch := t.TempDir()
	var dirs []string
	for _, p := range packages {
		dirs = append(dirs, filepath.Join(root, p))
	}
	o, err := Wrap(scratch, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	b := &binaries{o, map[string]*suite{}}
	for i := range o.Sites {
		o.Sites[i].Dir = strings.TrimPrefix(filepath.ToSlash(o.Sites[i].Dir), root+"/")
	}
	for _, p := range packages {
		s := &suite{pkg: p, binary: filepath.Join(scratch, filepath.Base(p)+".test")}
		cmd := exec.Command("go", "test", "-c", "-overlay", o.Path, "-o", s.binary, "./"+p)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build the tests of %s: %v\n%s", p, err, out)
		}
		if err := s.measure(t.Context()); err != nil {
			t.Fatalf("with no condition flipped the tests of %s fail: %v", p, err)
		}
		for _, p := range s.parts {
			t.Logf("%s: %d tests take %v of a processor", s.pkg, len(p.tests), p.cost.Round(time.Millisecond))
		}
		b.suites[p] = s
	}
	return b
}

var (
	passed  = regexp.MustCompile(`(?m)^--- PASS: (\w+) \(([0-9.]+)s\)`)
	failing = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
)

// measure runs the tests with no condition flipped, to see how long they take.
// Where they draw, they draw the same in every run, and what they found is not
// made smaller.
func (s *suite) measure(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, s.binary, "-h").CombinedOutput()
	if strings.Contains(string(out), "-rapid.seed") {
		s.flags = []string{"-test.failfast", "-rapid.seed=1", "-rapid.shrinktime=1ns", "-rapid.nofailfile"}
	} else if s.flags = []string{"-test.failfast"}; len(out) == 0 {
		return fmt.Errorf("ask for the flags: %w", err)
	}
	cmd := s.command(ctx, -1, time.Hour, "-test.v")
	if out, err = cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	type test struct {
		name string
		took float64
	}
	var tests []test
	total, sum, at := 0.0, 0.0, 0
	for _, m := range passed.FindAllSubmatch(out, -1) {
		took, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return fmt.Errorf("read how long a test took: %w", err)
		}
		tests = append(tests, test{string(m[1]), took + 0.01}) // it is rounded
		total += took + 0.01
	}
	slices.SortStableFunc(tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	s.parts = make([]part, len(shares))
	for _, t := range tests {
		for sum += t.took; at < len(shares)-1 && sum > shares[at]*total; {
			at++
		}
		p := &s.parts[at]
		p.tests = append(p.tests, t.name)
		p.cost += time.Duration(t.took / total * float64(used))
	}
	return nil
}

// limits of one run of tests: a flipped loop may not end, and a flipped search
// may fill the memory. Tests that take ten times their processor time, and some
// seconds more, do not end.
const (
	patience = 10
	grace    = 5 * time.Second
	memoryKB = 6 << 20
)

// command runs tests with a condition flipped, in limits.
func (s *suite) command(ctx context.Context, site int, limit time.Duration, args ...string) *exec.Cmd {
	limits := fmt.Sprintf(`ulimit -t %d; ulimit -v %d; exec "$0" "$@"`, int((limit + grace).Seconds()), memoryKB)
	cmd := exec.CommandContext(ctx, "sh", slices.Concat([]string{"-c", limits, s.binary}, s.flags, args)...)
	cmd.Dir = filepath.Join(root, s.pkg)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ACKPROOF_TEST_ALL=") })
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", Variable, site))
	return cmd
}

// flip runs the tests with a condition flipped and says which of them noticed;
// empty: none.
func (b *binaries) flip(ctx context.Context, s Site) (why string, err error) {
	for part := range shares {
		for _, p := range judges[s.Dir] {
			if why, err = b.suites[p].run(ctx, part, s.ID); why != "" || err != nil {
				return why, err
			}
		}
	}
	return "", nil
}

// run returns which test failed, or what else ended them; empty: all passed.
func (s *suite) run(ctx context.Context, part, site int) (why string, err error) {
	p := &s.parts[part]
	if len(p.tests) == 0 {
		return "", nil
	}
	cmd := s.command(ctx, site, patience*p.cost, "-test.run=^("+strings.Join(p.tests, "|")+")$")
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err == nil || ctx.Err() != nil || !errors.As(err, &failed) {
		return "", err
	}
	if m := failing.FindSubmatch(out); m != nil {
		return string(m[1]), nil
	}
	return "ended: " + failed.Error(), nil
}

// key identifies a condition in the list of equivalents.
func key(s Site) string { return s.Dir + "/" + s.File + "\t" + s.Func + "\t" + s.Text }

// equivalents are the conditions that no test can tell from their opposites.
func equivalents(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/equivalents.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 || f[3] == "" {
			t.Fatalf("testdata/equivalents.txt: %q: want file, function, condition and reason between tabs", line)
		}
		out[strings.Join(f[:3], "\t")] = f[3]
	}
	return out
}

// page is docs/checker-mutations.md.
func page(b *binaries, list, survivors []Site, same map[string]string) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, `# Mutations of the checker

`+"`make mutate-checker`"+` turns conditions of the checker's passes into their
opposites, one at a time, and runs the checker's tests. This page is what it said
last: of %d conditions, %d were drawn (seed %d) and flipped, and the tests noticed
%d of the flips, %.1f %%.

`, len(b.Sites), len(list), *drawn, len(list)-len(survivors), 100*float64(len(list)-len(survivors))/float64(len(list)))
	w.WriteString("## Not noticed\n\n")
	for _, s := range survivors {
		fmt.Fprintf(&w, "- `%s/%s`, %s: `%s`\n", s.Dir, s.File, s.Func, s.Text)
	}
	w.WriteString("\n## Left out\n\nNo test can tell these from their opposites:\n\n")
	for _, s := range b.Sites {
		if why := same[key(s)]; why != "" {
			fmt.Fprintf(&w, "- `%s/%s`, %s: `%s`: %s\n", s.Dir, s.File, s.Func, s.Text, why)
		}
	}
	return w.Bytes()
}
