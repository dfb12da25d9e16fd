package histories

import (
	"bytes"
	"errors"
	"io"
)

const (
	// sourceBuffer is what a reader keeps of the file at first.
	sourceBuffer = 256 << 10
	// maxEntry bounds one entry in bytes, and with it the reader's memory.
	maxEntry = 64 << 20
)

// source is the text of a history, of which it keeps a window: buf[lo:hi] is
// read and not yet consumed.
type source struct {
	name   string
	r      io.Reader
	buf    []byte
	lo, hi int
	base   int64 // offset of buf[0] in the text
	lines  int64 // newlines before buf[0]
	eof    bool
	cut    bool  // a compressed file ended in its middle
	err    error // why reading failed, where not by the end
}

func newSource(r io.Reader, name string) *source {
	return &source{r: r, name: name, buf: make([]byte, sourceBuffer)}
}

// fill reads more into the window; false where there is no more, or no room.
// The window may move: positions count from lo.
func (s *source) fill() bool {
	if s.eof || s.err != nil {
		return false
	}
	if s.hi == len(s.buf) {
		if s.lo >= len(s.buf)/2 {
			s.lines += int64(bytes.Count(s.buf[:s.lo], newline))
			s.base += int64(s.lo)
			s.hi = copy(s.buf, s.buf[s.lo:s.hi])
			s.lo = 0
		} else if len(s.buf) >= 2*maxEntry {
			return false
		} else {
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
	}
	for {
		n, err := s.r.Read(s.buf[s.hi:])
		s.hi += n
		switch {
		case err == io.EOF:
			s.eof = true
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.eof, s.cut = true, true
		case err != nil:
			s.err = err
		}
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
}

var newline = []byte("\n")

// line consumes the next line and returns it without its end. whole says that
// its end was there. At the end of the text the line is nil.
func (s *source) line() (line []byte, whole bool) {
	scanned := 0
	for {
		if i := bytes.IndexByte(s.buf[s.lo+scanned:s.hi], '\n'); i >= 0 {
			line = s.buf[s.lo : s.lo+scanned+i]
			s.lo += scanned + i + 1
			return line, true
		}
		scanned = s.hi - s.lo
		if scanned > maxEntry || !s.fill() {
			line = s.buf[s.lo:s.hi]
			s.lo = s.hi
			if len(line) == 0 {
				return nil, false
			}
			return line, false
		}
	}
}

// window returns what has been read and not yet consumed, at least one byte
// unless the text is at its end.
func (s *source) window() []byte {
	for s.lo == s.hi && s.fill() {
	}
	return s.buf[s.lo:s.hi]
}

// consume drops the first n bytes of the window.
func (s *source) consume(n int) { s.lo += n }

// at returns the place of a byte of the window, counted from lo; it may be
// negative, for what was just consumed.
func (s *source) at(i int) (line, offset int64) {
	i = max(min(s.lo+i, s.hi), 0)
	return s.lines + int64(bytes.Count(s.buf[:i], newline)) + 1, s.base + int64(i)
}

// failure describes a failure at i, counted from lo.
func (s *source) failure(i int, field, msg string) *SyntaxError {
	line, offset := s.at(i)
	return &SyntaxError{File: s.name, Line: line, Byte: offset, Field: field, Msg: msg}
}

// torn describes a text that ends in the middle of the entry that begins at i,
// counted from lo.
func (s *source) torn(i int) *SyntaxError {
	e := s.failure(i, "", "the file ends in the middle of an entry: it was cut off, or its writer was killed; everything before is whole")
	e.Torn = true
	return e
}

// end tells how the text ended, once it is used up: io.EOF where it just did.
func (s *source) end() error {
	switch {
	case s.err != nil:
		return s.err
	case s.cut:
		e := s.failure(0, "", "the compressed file ends in its middle: it was cut off, or its writer was killed; everything before is whole")
		e.Torn = true
		return e
	}
	return io.EOF
}
