package histories

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// file is what a Recorder needs of an *os.File.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// fileEnd is the file and what stands between it and the recorder's memory.
type fileEnd struct {
	mu      sync.Mutex
	file    file
	spare   []byte // the other one of the two buffers
	z       *zstd.Encoder
	packed  packed // what z has made of the text
	left    []byte // taken, but not yet in the file: it did not fit
	dirty   bool   // z has text that Flush would put out
	written int64  // bytes in the file
}

// packed collects what the compressor puts out.
type packed struct{ b []byte }

func (p *packed) Write(b []byte) (int, error) {
	p.b = append(p.b, b...)
	return len(b), nil
}

// write writes what was left behind by an earlier failure, then b.
func (e *fileEnd) write(b []byte, push bool) error {
	if e.z == nil {
		return e.put(b)
	}
	if len(b) > 0 {
		if _, err := e.z.Write(b); err != nil {
			return err
		}
		e.dirty = true
	}
	if push && e.dirty {
		e.dirty = false
		if err := e.z.Flush(); err != nil {
			return err
		}
	}
	err := e.put(e.packed.b)
	e.packed.b = e.packed.b[:0]
	return err
}

// put writes to the file and keeps what does not fit, in order.
func (e *fileEnd) put(b []byte) error {
	if len(e.left) > 0 {
		e.left = append(e.left, b...)
		n, err := e.file.Write(e.left)
		e.written += int64(n)
		e.left = e.left[n:]
		return err
	}
	if len(b) == 0 {
		return nil
	}
	n, err := e.file.Write(b)
	e.written += int64(n)
	if err != nil {
		e.left = append([]byte(nil), b[n:]...)
	}
	return err
}

// end ends the compression.
func (e *fileEnd) end() error {
	if e.z == nil {
		return nil
	}
	if err := e.z.Close(); err != nil {
		return err
	}
	err := e.put(e.packed.b)
	e.packed.b = nil
	return err
}
