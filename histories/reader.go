package histories

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Reader reads a history once, from its first entry to its last. Its memory
// does not grow with the history.
type Reader interface {
	// Header returns the history's header; false where it has none, as
	// foreign histories do. Where the header cannot be read it is false, too,
	// and Next says why.
	Header() (Header, bool)
	// Next returns the next entry, lent until the following call; io.EOF at
	// the end; a *SyntaxError where the text is not a history, after which
	// nothing more can be read.
	Next() (*Op, error)
	// Close ends the reading.
	Close() error
}

// Open opens a history: a file, whose format its name's extension tells
// (.jsonl, .edn, .txt, each also with .zst) or else its first bytes; a run
// directory, whose history it finds; or "-", standard input. What is wrong with
// the text itself is told by Next.
func Open(path string) (Reader, error) {
	if path == "-" {
		return NewReader(os.Stdin, Format{}, "standard input")
	}
	path, err := findHistory(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	format, err := FormatOf(path)
	if err != nil {
		format = Format{Zstd: strings.HasSuffix(path, zstdExt)}
	}
	r, err := NewReader(f, format, path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileReader{r, f}, nil
}

// findHistory returns the history of a run directory, or the path itself.
func findHistory(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("open history: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range []string{HistoryFile, HistoryFile + zstdExt, EDNFile, EDNFile + zstdExt} {
		if _, err := os.Stat(filepath.Join(path, name)); !errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(path, name), nil
		}
	}
	return "", fmt.Errorf("open history: directory %s holds no %s, %s%s or %s: name a run directory or a file",
		path, HistoryFile, HistoryFile, zstdExt, EDNFile)
}

// fileReader closes the file with the reader.
type fileReader struct {
	Reader
	file io.Closer
}

func (r *fileReader) Close() error { return errors.Join(r.Reader.Close(), r.file.Close()) }

// NewReader reads a history of the format from r; the zero Format is told by
// the first bytes. name is what errors call it.
func NewReader(r io.Reader, f Format, name string) (Reader, error) {
	src := newSource(r, name)
	var shut func()
	if f.Zstd || f.Name == "" && bytes.HasPrefix(peek(src, len(zstdMagic)), zstdMagic) {
		if len(peek(src, 1)) > 0 { // nothing at all decompresses to nothing
			dec, err := zstd.NewReader(&rest{src}, zstd.WithDecoderConcurrency(1),
				zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxEntry))
			if err != nil {
				return nil, fmt.Errorf("decompress %s: %w", name, err)
			}
			shut = dec.Close
			src = newSource(damage{dec, name}, name)
		}
	}
	skipBOM(src)
	if f.Name == "" {
		var err error
		if f, err = sniff(src); err != nil {
			return &unreadable{err: err, shut: shut}, nil
		}
	}
	rd := f.open(src)
	if shut != nil {
		return &compressed{rd, shut}, nil
	}
	return rd, nil
}

// peek returns the next n bytes without consuming them, fewer at the end.
func peek(s *source, n int) []byte {
	for s.hi-s.lo < n && s.fill() {
	}
	return s.buf[s.lo:min(s.lo+n, s.hi)]
}

func skipBOM(s *source) {
	if bom := []byte("\xEF\xBB\xBF"); bytes.Equal(peek(s, len(bom)), bom) {
		s.consume(len(bom))
	}
}

// rest reads what a source has read ahead, then the rest.
type rest struct{ s *source }

func (r *rest) Read(p []byte) (int, error) {
	if r.s.lo < r.s.hi {
		n := copy(p, r.s.buf[r.s.lo:r.s.hi])
		r.s.consume(n)
		return n, nil
	}
	if r.s.eof {
		return 0, io.EOF
	}
	return r.s.r.Read(p)
}

// damage tells damaged compression from failures of the disk.
type damage struct {
	dec  io.Reader
	name string
}

func (d damage) Read(p []byte) (int, error) {
	n, err := d.dec.Read(p)
	var path *fs.PathError
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &path) {
		return n, err
	}
	return n, &SyntaxError{File: d.name, Msg: "the compressed data is damaged: " + err.Error()}
}

type compressed struct {
	Reader
	shut func()
}

func (c *compressed) Close() error {
	err := c.Reader.Close()
	c.shut()
	return err
}

// unreadable is a Reader of what is no history.
type unreadable struct {
	err  error
	shut func()
}

func (u *unreadable) Header() (Header, bool) { return Header{}, false }
func (u *unreadable) Next() (*Op, error)     { return nil, u.err }
func (u *unreadable) Close() error {
	if u.shut != nil {
		u.shut()
	}
	return nil
}
