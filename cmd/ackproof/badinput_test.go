package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/internal/histtest"
)

// command runs a command in this process.
func command(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = Main(args, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

// soundHistory is the text of a history that is valid, in the format of the
// extension.
func soundHistory(t *testing.T, ext string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sound.jsonl")
	if _, err := histtest.Write(path, histtest.Options{Seed: 1, Ops: 1500, Clients: 5, Logs: 2}); err != nil {
		t.Fatal(err)
	}
	if ext != ".jsonl" {
		to := filepath.Join(t.TempDir(), "sound"+ext)
		if code, _, why := command("", "convert", path, to); code != exitValid {
			t.Fatal(why)
		}
		path = to
	}
	if code, out, why := command("", "check", path); code != exitValid {
		t.Fatalf("the sound history: exit code %d: %s%s", code, why, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkText judges a text under a name with this extension. Whatever it is,
// the answer is unknown, with the reason.
func checkText(t *testing.T, what, ext string, text []byte, reason string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad"+ext)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, why := command("", "check", path)
	if code != exitUnknown || !strings.Contains(out, "\nunknown:\n") || !strings.Contains(out, "verdict: unknown") {
		t.Fatalf("%s: exit code %d, want %d and a reason: %s\n%s", what, code, exitUnknown, why, out)
	}
	if !regexp.MustCompile(reason).MatchString(out) {
		t.Errorf("%s: the summary does not say %s:\n%s", what, reason, out)
	}
}

// A history that breaks off anywhere is judged as far as it goes and never
// called valid.
func TestTruncatedHistories(t *testing.T) {
	for _, ext := range []string{".jsonl", ".edn", ".txt", ".jsonl.zst", ".edn.zst"} {
		t.Run(ext[1:], func(t *testing.T) {
			t.Parallel()
			b := soundHistory(t, ext)
			step := len(b)/40 + 7
			for n := 0; n < len(b)-1; n += step {
				checkText(t, fmt.Sprintf("cut to %d of %d bytes", n, len(b)), ext, b[:n], "bad"+regexp.QuoteMeta(ext)+"|incomplete|no entries|nothing|without")
			}
		})
	}
}

// What is no history, or none that a run can have made, is called so, with the
// place and the rule.
func TestBadHistories(t *testing.T) {
	lines := bytes.SplitAfter(soundHistory(t, ".jsonl"), []byte("\n"))
	edit := func(change func(lines [][]byte) [][]byte) []byte {
		return bytes.Join(change(append([][]byte{}, lines...)), nil)
	}
	junk := make([]byte, 4096)
	for i := range junk {
		junk[i] = byte(i*i>>3 ^ i)
	}
	n := len(lines) / 2
	completion := func(lines [][]byte) int { // the first one after the middle whose call stands elsewhere
		for i := n; i < len(lines); i++ {
			if bytes.Contains(lines[i], []byte(`"type":"ok"`)) && bytes.Contains(lines[i], []byte(`"f":"send"`)) {
				return i
			}
		}
		t.Fatal("no send after the middle")
		return 0
	}
	for _, c := range []struct {
		what, ext, reason string
		text              []byte
	}{
		{"empty", ".jsonl", `empty|no entries|nothing`, nil},
		{"empty", ".edn", `empty|no entries|nothing`, nil},
		{"empty", "", `empty|no entries|nothing`, nil},
		{"a header alone", ".jsonl", `incomplete|no entries`, lines[0]},
		{"junk", ".jsonl", `bad.jsonl: line 1, byte 0`, junk},
		{"junk", ".edn", `bad.edn: line \d+, byte \d+`, junk},
		{"junk", "", `bad: .*byte \d+`, junk},
		{"junk under .zst", ".jsonl.zst", `bad.jsonl.zst.*byte \d+`, junk},
		{"junk in the middle", ".jsonl", fmt.Sprintf(`bad.jsonl: line %d, byte \d+`, n+1), edit(func(l [][]byte) [][]byte {
			l[n] = []byte("\x00\x01\x02\n")
			return l
		})},
		{"a wrong field", ".jsonl", fmt.Sprintf(`bad.jsonl: line %d, byte \d+: type`, n+1), edit(func(l [][]byte) [][]byte {
			l[n] = regexp.MustCompile(`"type":"\w+"`).ReplaceAll(l[n], []byte(`"type":"perhaps"`))
			return l
		})},
		{"an entry twice", ".jsonl", `malformed-history: .*index`, edit(func(l [][]byte) [][]byte {
			return append(l[:n:n], l[n-1:]...)
		})},
		{"a completion without its call", ".jsonl", `malformed-history: `, edit(func(l [][]byte) [][]byte {
			i := completion(l)
			process := regexp.MustCompile(`"process":\d+,`).Find(l[i])
			for j := i - 1; j > 0; j-- {
				if bytes.Contains(l[j], process) {
					return append(l[:j:j], l[j+1:]...)
				}
			}
			return l
		})},
		{"time that runs backwards", ".jsonl", `malformed-history: .*time`, edit(func(l [][]byte) [][]byte {
			l[n] = regexp.MustCompile(`"time":\d+`).ReplaceAll(l[n], []byte(`"time":1`))
			return l
		})},
		{"indexes that run backwards", ".jsonl", `malformed-history: .*index`, edit(func(l [][]byte) [][]byte {
			l[n] = regexp.MustCompile(`"index":\d+`).ReplaceAll(l[n], []byte(`"index":3`))
			return l
		})},
		{"two headers", ".jsonl", fmt.Sprintf(`bad.jsonl: line %d, byte \d+`, n+1), edit(func(l [][]byte) [][]byte {
			return append(l[:n:n], append([][]byte{l[0]}, l[n:]...)...)
		})},
		{"a newer format", ".jsonl", `bad.jsonl: line 1, byte \d+: .*format 2`, edit(func(l [][]byte) [][]byte {
			l[0] = bytes.Replace(l[0], []byte(`"ackproof":1`), []byte(`"ackproof":2`), 1)
			return l
		})},
	} {
		t.Run(c.what+c.ext, func(t *testing.T) { checkText(t, c.what, c.ext, c.text, c.reason) })
	}
}

// Standard input is no better than a file.
func TestBadStandardInput(t *testing.T) {
	for what, text := range map[string]string{"nothing": "", "junk": "\x00\x01", "a torn header": `{"ackproof":1,"to`} {
		if code, out, why := command(text, "check", "-"); code != exitUnknown || !strings.Contains(out, "\nunknown:\n") {
			t.Errorf("%s: exit code %d: %s\n%s", what, code, why, out)
		}
		if code, out, why := command(text, "check", "-", "--json"); code != exitUnknown || !strings.Contains(out, `"valid": "unknown"`) {
			t.Errorf("%s: exit code %d: %s\n%s", what, code, why, out)
		}
	}
}
