package histories

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Span is a range of entries by index, both ends included.
type Span struct{ First, Last int64 }

// Excerpt reads the entries of the spans, which must ascend and not overlap,
// and hands each one to keep, lent. A plain JSON Lines file is entered in its
// middle, so that a few entries of a long history cost a few reads; any other
// history is read from its beginning. What cannot be read ends the excerpt
// without an error where something can: a torn history has a sound beginning.
func Excerpt(path string, spans []Span, keep func(*Op)) error {
	path, err := findHistory(path)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".jsonl") {
		return excerptPlain(path, spans, keep)
	}
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, s := range spans {
		if done, err := readSpan(r, s, keep); done || err != nil {
			return err
		}
	}
	return nil
}

// readSpan reads on until behind the span. done says that there is no more.
func readSpan(r Reader, s Span, keep func(*Op)) (done bool, err error) {
	for {
		op, err := r.Next()
		var syntax *SyntaxError
		switch {
		case err == io.EOF || errors.As(err, &syntax):
			return true, nil
		case err != nil:
			return true, fmt.Errorf("read entries %d to %d: %w", s.First, s.Last, err)
		case op.Index >= s.First && op.Index <= s.Last:
			keep(op)
		}
		if op.Index >= s.Last {
			return false, nil
		}
	}
}

func excerptPlain(path string, spans []Span, keep func(*Op)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	for _, s := range spans {
		at, err := seekEntry(f, info.Size(), s.First)
		if err != nil {
			return err
		}
		r, err := NewReader(io.NewSectionReader(f, at, info.Size()-at), Formats[0], path)
		if err != nil {
			return err
		}
		_, err = readSpan(r, s, keep)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// seekEntry returns where a line begins at or before the entry with the index,
// close to it where the indexes of the file ascend.
func seekEntry(f io.ReaderAt, size, index int64) (int64, error) {
	const near = 256 << 10 // no more is saved by looking closer
	lo, hi := int64(0), size
	for hi-lo > near {
		middle := lo + (hi-lo)/2
		at, found, err := lineAfter(f, middle, hi)
		if err != nil {
			return 0, err
		}
		if at >= 0 && found >= 0 && found <= index {
			lo = at
		} else {
			hi = middle
		}
	}
	return lo, nil
}

// lineAfter returns where the first line behind from begins, and the index of
// its entry; -1 where there is none before to, or none that can be told.
func lineAfter(f io.ReaderAt, from, to int64) (at, index int64, err error) {
	b := make([]byte, 64<<10)
	at = -1
	for from < to {
		n, err := f.ReadAt(b[:min(int64(len(b)), to-from)], from)
		if err != nil && err != io.EOF {
			return -1, -1, fmt.Errorf("look for an entry: %w", err)
		}
		if n == 0 {
			break
		}
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			at = from + int64(i) + 1
			break
		}
		from += int64(n)
	}
	if at < 0 || at >= to {
		return -1, -1, nil
	}
	head := make([]byte, 40)
	n, err := f.ReadAt(head, at)
	if err != nil && err != io.EOF {
		return -1, -1, fmt.Errorf("look for an entry: %w", err)
	}
	return at, indexOf(head[:n]), nil
}

// indexOf reads the index off the beginning of a line as this package writes
// it; -1 where it is another's.
func indexOf(line []byte) int64 {
	rest, ok := bytes.CutPrefix(line, []byte(`{"index":`))
	if !ok {
		return -1
	}
	digits, _, ok := bytes.Cut(rest, []byte(","))
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
