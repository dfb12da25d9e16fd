package explain

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

var update = flag.Bool("update", false, "write the golden screens")

func corpus(t *testing.T, name string) (checker.Verdict, func() (histories.Reader, error)) {
	t.Helper()
	open := func() (histories.Reader, error) { return histories.Open(name) }
	in, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	v, err := checker.Check(in, checker.Options{MinAcked: -1, MinOpsPerFault: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v, open
}

func show(t *testing.T, v checker.Verdict, open func() (histories.Reader, error), o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Show(&b, v, open, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden are the saved histories whose screens are kept, byte for byte.
var golden = []string{
	"ack-then-truncate", "ack-then-reuse", "lost-below-the-end", "jepsen-unseen", "deleted-early", "consumer-skips",
	"stale-fetch", "duplicate-by-retry", "half-a-batch", "leader-epoch-falls", "ack-then-reuse-under-acks-1", "acknowledged-beyond-the-end",
}

// sentence stands for the checker's in the golden screens: its wording is tested
// where it is made.
const sentence = "The checker's sentence stands here. It tells in its own words which entries contradict each other, and it is often longer than one line of a screen can hold."

func TestGoldenScreens(t *testing.T) {
	for _, name := range golden {
		t.Run(name, func(t *testing.T) {
			v, open := corpus(t, "../../../histories/corpus/"+name+".txt")
			v.Anomalies[0].Examples[0].Why = sentence
			got := show(t, v, open, Options{})
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestEveryGuiltyHistoryFits explains every headline of every saved history: on
// one screen, with its evidence marked, and with a fate where a record is the
// matter.
func TestEveryGuiltyHistoryFits(t *testing.T) {
	files, err := filepath.Glob("../../../histories/corpus/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("the corpus is missing: %d files, %v", len(files), err)
	}
	shown := 0
	for _, file := range files {
		v, open := corpus(t, file)
		for i, a := range v.Anomalies {
			shown++
			name := fmt.Sprintf("%s/%s", strings.TrimSuffix(filepath.Base(file), ".txt"), a.Kind)
			got := show(t, v, open, Options{Which: fmt.Sprint(i + 1)})
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if len(lines) > height {
				t.Errorf("%s takes %d lines:\n%s", name, len(lines), got)
			}
			for _, l := range lines {
				if utf8.RuneCountInString(l) > width {
					t.Errorf("%s: too wide: %q", name, l)
				}
			}
			if !strings.HasPrefix(lines[0], string(a.Kind)+" ") || !strings.Contains(got, "\n> ") || !strings.Contains(got, "clause ") {
				t.Errorf("%s does not name its kind, mark its evidence or tell the clause:\n%s", name, got)
			}
			if group := groupOf(a.Kind); (group == checker.GroupLoss || group == checker.GroupContent) && !strings.Contains(got, "fate ") {
				t.Errorf("%s tells no fate:\n%s", name, got)
			}
		}
	}
	if shown < 25 {
		t.Errorf("%d headlines were explained", shown)
	}
}

func groupOf(k checker.Kind) string {
	for _, d := range checker.Kinds {
		if d.Name == k {
			return d.Group
		}
	}
	return ""
}

// told explains a history in the notation.
func told(t *testing.T, text string, o Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	v, open := corpus(t, path)
	return show(t, v, open, o)
}

const contract = "header final-reads acks=all idempotence=true attempts=single unclean_election=false durability=replicated retention=none cleanup=delete consumers=assign reads=strict log=0:orders/0\n"

// TestFates: what became of a record, by what the history shows.
func TestFates(t *testing.T) {
	end := "nemesis phase end\n"
	for want, text := range map[Fate]string{
		Lost: contract + "p0 s 1@0\np0 s 2@1\np0 s 3@2\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 3@2 fetch=0:0/3\n" + end,
		Truncated: contract + "p0 s 1@0\np0 s 2@1\np1 a 0 pos=0:0\np1 p 1@0 2@1 fetch=0:0/2\nnemesis phase final\np9 e 0:1\n" +
			"p9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1\n" + end,
		NeverCommitted: contract + "p0 s 1@0\np0 s 2@1\nnemesis phase final\np9 e 0:1\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1\n" + end,
		RetainedOut:    contract + "p0 s 1@0\np0 s 2@1\nnemesis phase final\np9 b 0:1\np9 e 0:2\np9 a 0 seek=beginning pos=0:1\np9 p 2@1 fetch=0:1/2\n" + end,
		Unread:         "p0 s 1@0 2@1\np1 p 1@0\n",
		Dropped: contract + "p0 s 1@0 2@1 3@2\np1 a 0 pos=0:0\np1 p 1@0 fetch=0:0/3\np1 p 3@2 fetch=0:2/3\nnemesis phase final\np9 e 0:3\n" +
			"p9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 fetch=0:0/3\n" + end,
		Stands: contract + "p0 s 1@0\np1 a 0 pos=0:0\np1 p 1@0 1@1 fetch=0:0/2\nnemesis phase final\np9 e 0:2\n" +
			"p9 a 0 seek=beginning pos=0:0\np9 p 1@0 1@1 fetch=0:0/2\n" + end,
	} {
		if got := told(t, text, Options{}); !strings.Contains(got, "fate    "+string(want)+": ") {
			t.Errorf("want %q:\n%s", want, got)
		}
	}
}

// TestCompacted: where a log is compacted the checker misses no record; a verdict
// by a stricter contract is explained by the history's own.
func TestCompacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.txt")
	text := strings.Replace(contract, "cleanup=delete", "cleanup=compact", 1) + "p0 s 1@0\np0 s 2@1\np0 s 3@2\np1 a 0 pos=0:0\n" +
		"p1 p 1@0 2@1 3@2 fetch=0:0/3\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 3@2 fetch=0:0/3\nnemesis phase end\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	v := checker.Verdict{Valid: checker.Invalid, Anomalies: []checker.Anomaly{{
		Kind: checker.TruncatedAck, Count: 1, Examples: []checker.Example{{Log: 0, Offset: 1, Value: 2, Ops: []int64{3, 9}, Why: sentence}},
	}}}
	got := show(t, v, func() (histories.Reader, error) { return histories.Open(path) }, Options{})
	if !strings.Contains(got, "fate    compacted: ") {
		t.Errorf("%s", got)
	}
}

// TestFaultsAndLeaders: a screen names who led the log and what was broken when
// the record was acknowledged.
func TestFaultsAndLeaders(t *testing.T) {
	got := told(t, contract+`t=1 nemesis state {"id":-1,"state":{"partitions":[{"topic":"orders","partition":0,"leader":"n2","epoch":7,"end":0}]}}
t=5 nemesis inject id=0 fault=isolate on=n2
t=10 p0 s 1@0
p0 s 2@1
t=20 nemesis healed id=0 fault=isolate on=n2 held=true
t=21 nemesis inject id=1 fault=stall on=n1
t=22 nemesis healed id=1 fault=stall on=n1 held=true
t=30 nemesis state {"id":-1,"state":{"partitions":[{"topic":"orders","partition":0,"leader":"n3","epoch":8,"end":1}]}}
t=40 nemesis phase final
p9 e 0:1
p9 a 0 seek=beginning pos=0:0
p9 p 1@0 fetch=0:0/1
nemesis phase end
`, Options{})
	for _, want := range []string{
		"n2, epoch 7", "later n3, epoch 8", "isolate n2 from", "1 came and went in between", "unseen 1 of 1",
	} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
}

// TestColours: only where they are asked for; and no other escape sequence ever,
// whatever the broker calls its topics.
func TestColours(t *testing.T) {
	text := strings.Replace(contract, "orders/0", "\"\\u001b[31mred\"/0", 1) + "p0 s 1@0\np0 s 2@1\nnemesis phase final\np9 e 0:1\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1\nnemesis phase end\n"
	if got := told(t, text, Options{}); strings.Contains(got, "\x1b") || !strings.Contains(got, "·[31mred") {
		t.Errorf("an escape sequence of the history, or of ours:\n%q", got)
	}
	if got := told(t, text, Options{Colour: true}); !strings.Contains(got, red+"FORBIDDEN"+plain) || strings.Contains(got, "\x1b[31mred") {
		t.Errorf("%q", got)
	}
}

func TestChoose(t *testing.T) {
	v, open := corpus(t, "../../../histories/corpus/lost-below-the-end.txt")
	var b bytes.Buffer
	for which, want := range map[string]string{
		"0": "there is no anomaly 0: the verdict has 1 lost-write", "7": "there is no anomaly 7", "unseen": `the verdict has no anomaly "unseen"; it has 1 lost-write`,
	} {
		if err := Show(&b, v, open, Options{Which: which}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", which, err)
		}
	}
	if err := Show(&b, v, open, Options{Example: 9}); err == nil || !strings.Contains(err.Error(), "there is no example 9") {
		t.Errorf("%v", err)
	}
	if got := show(t, v, open, Options{Which: "lost-write", Example: 1}); got != show(t, v, open, Options{}) {
		t.Errorf("by kind and by default differ:\n%s", got)
	}
	if got := show(t, checker.Verdict{Valid: checker.Valid}, open, Options{}); got != "no anomaly; the verdict is valid\n" {
		t.Errorf("%q", got)
	}
}

// TestBarsFit: the bars of a full timeline, all of whose moments differ, leave
// the line within the screen.
func TestBarsFit(t *testing.T) {
	var ops []*operation
	for i := range maxLines {
		o := &operation{call: time.Duration(2 * i), ret: time.Duration(2*i + 1), outcome: histories.OK}
		if i == 0 {
			o.outcome = histories.Invoke
		}
		ops = append(ops, o)
	}
	const beside = 65 // the other columns of a line of the timeline
	for i, bar := range bars(ops) {
		if n := utf8.RuneCountInString(bar); n == 0 || beside+n > width {
			t.Errorf("bar %d has %d characters: %q", i, n, bar)
		}
	}
}
