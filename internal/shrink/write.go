package shrink

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Text is the small history in the one-line notation, with what the corpus
// wants to know of it: a story, the verdict, the headlines.
func (h *History) Text(from string) ([]byte, error) {
	var b bytes.Buffer
	for _, line := range wrap(h.told(), 78) {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	b.WriteString("#\n")
	for _, line := range wrap(fmt.Sprintf("Entries %s of %s.", list(h.Original), from), 78) {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	fmt.Fprintf(&b, "#\n# verdict: %s\n# kinds: %s\n", h.Verdict.Valid, headlines(&h.Verdict))
	f, err := histories.FormatOf("history.txt")
	if err != nil {
		return nil, err
	}
	err = h.write(&b, f)
	return b.Bytes(), err
}

// told is the sentence about the case, by the small history's own entries.
func (h *History) told() string {
	for _, a := range h.Verdict.Anomalies {
		if a.Kind == h.Kind && len(a.Examples) > 0 {
			return a.Examples[0].Why
		}
	}
	return h.Example.Why
}

// headlines are the kinds with their counts, after a slash what follows from
// them, as the corpus has them.
func headlines(v *checker.Verdict) string {
	var heads, follows []string
	for _, a := range v.Anomalies {
		s := fmt.Sprintf("%s %d", a.Kind, a.Count)
		if a.AllowedBy != "" {
			s += " (" + a.AllowedBy + ")"
		}
		heads = append(heads, s)
		for _, f := range a.Follows {
			follows = append(follows, fmt.Sprintf("%s %d", f.Kind, f.Count))
		}
	}
	if len(follows) == 0 {
		return strings.Join(heads, ", ")
	}
	return strings.Join(heads, ", ") + " / " + strings.Join(follows, ", ")
}

// list writes ascending numbers, neighbours as a range.
func list(all []int64) string {
	var s []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		if j > i {
			s = append(s, fmt.Sprintf("%d-%d", all[i], all[j]))
		} else {
			s = append(s, fmt.Sprint(all[i]))
		}
		i = j + 1
	}
	return strings.Join(s, ", ")
}

// wrap breaks a text into lines of at most so many characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (h *History) write(b *bytes.Buffer, f histories.Format) error {
	w, err := histories.NewWriter(b, f)
	if err != nil {
		return err
	}
	if h.HasHeader {
		if err := w.WriteHeader(&h.Header); err != nil {
			return err
		}
	}
	for i := range h.Entries {
		if err := w.Write(&h.Entries[i]); err != nil {
			return err
		}
	}
	return w.Close()
}

// Save writes the history into dir as shrunk-<kind>.jsonl, .edn and .txt and
// returns the paths. Each file appears whole or not at all.
func (h *History) Save(dir, from string) ([]string, error) {
	var paths []string
	for _, ext := range []string{".jsonl", ".edn", ".txt"} {
		name := "shrunk-" + string(h.Kind) + ext
		var b bytes.Buffer
		var err error
		if ext == ".txt" {
			var text []byte
			text, err = h.Text(from)
			b.Write(text)
		} else {
			var f histories.Format
			if f, err = histories.FormatOf(name); err == nil {
				err = h.write(&b, f)
			}
		}
		if err == nil {
			err = place(filepath.Join(dir, name), b.Bytes())
		}
		if err != nil {
			return paths, fmt.Errorf("write the small history: %w", err)
		}
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths, nil
}

// place writes a file beside its name and renames it.
func place(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".shrunk-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
