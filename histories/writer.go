package histories

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// encoder writes the parts of a history as one format has them. Each method
// appends to b, or keeps something back for the next.
type encoder interface {
	header(b []byte, h *Header) []byte
	op(b []byte, o *Op) []byte
	end(b []byte) []byte
}

// plainEncoder is the encoder of a format that writes each entry by itself.
type plainEncoder struct {
	writeHeader func(b []byte, h *Header) []byte
	writeOp     func(b []byte, o *Op) []byte
}

func (e plainEncoder) header(b []byte, h *Header) []byte { return e.writeHeader(b, h) }
func (e plainEncoder) op(b []byte, o *Op) []byte         { return e.writeOp(b, o) }
func (e plainEncoder) end(b []byte) []byte               { return b }

// Writer writes entries that have their index and their time already. Recorder
// is for those that do not.
type Writer struct {
	enc encoder
	out io.Writer
	z   *zstd.Encoder // nil: not compressed
	buf []byte
	err error
}

// writerBuffer is the size, in bytes, of what a Writer and a Recorder hand on
// at once.
const writerBuffer = 128 << 10

// NewWriter returns a Writer of the format.
func NewWriter(w io.Writer, f Format) (*Writer, error) {
	if f.encoder == nil {
		return nil, errors.New("write history: no format given: want one of the formats' catalogue")
	}
	out := &Writer{enc: f.encoder(), out: w, buf: make([]byte, 0, 2*writerBuffer)}
	if f.Zstd {
		var err error
		if out.z, err = newCompressor(w); err != nil {
			return nil, err
		}
		out.out = out.z
	}
	return out, nil
}

// newCompressor returns the encoder that compressed histories are written
// with: on the caller's goroutine, with a window that keeps readers small.
func newCompressor(w io.Writer) (*zstd.Encoder, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(512<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("compress history: %w", err)
	}
	return z, nil
}

// WriteHeader writes the header. It comes before every entry, or not at all.
func (w *Writer) WriteHeader(h *Header) error {
	if err := h.Validate(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	w.buf = w.enc.header(w.buf, h)
	return w.err
}

// Write writes an entry.
func (w *Writer) Write(op *Op) error {
	w.buf = w.enc.op(w.buf, op)
	if len(w.buf) >= writerBuffer {
		w.flush()
	}
	return w.err
}

func (w *Writer) flush() {
	if w.err == nil && len(w.buf) > 0 {
		if _, err := w.out.Write(w.buf); err != nil {
			w.err = fmt.Errorf("write history: %w", err)
		}
	}
	w.buf = w.buf[:0]
}

// Close writes what is left and ends the compression. What is below stays open.
func (w *Writer) Close() error {
	w.buf = w.enc.end(w.buf)
	w.flush()
	if w.z != nil {
		if err := w.z.Close(); err != nil && w.err == nil {
			w.err = fmt.Errorf("write history: %w", err)
		}
	}
	return w.err
}

// Convert writes the history in to out in the format f, entry by entry. Where
// in cannot be read to its end, what could be read is written and the error
// returned.
func Convert(in Reader, out io.Writer, f Format) error {
	w, err := NewWriter(out, f)
	if err != nil {
		return err
	}
	if h, ok := in.Header(); ok {
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
	}
	for {
		op, err := in.Next()
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return errors.Join(err, w.Close())
		}
		if err := w.Write(op); err != nil {
			return err
		}
	}
}
