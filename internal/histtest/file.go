package histtest

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ackproof/ackproof/histories"
)

// Write writes the history that Simulate makes to a file, in the format that
// its name says, and takes no more memory than Simulate does.
func Write(path string, o Options) (Stats, error) {
	f, err := histories.FormatOf(path)
	if err != nil {
		return Stats{}, err
	}
	file, err := os.Create(path)
	if err != nil {
		return Stats{}, fmt.Errorf("create the simulated history: %w", err)
	}
	st, err := write(file, f, o)
	return st, errors.Join(err, file.Close())
}

func write(out io.Writer, f histories.Format, o Options) (Stats, error) {
	w, err := histories.NewWriter(out, f)
	if err != nil {
		return Stats{}, err
	}
	h := o.Header()
	if err := w.WriteHeader(&h); err != nil {
		return Stats{}, err
	}
	st := Simulate(o, func(op *histories.Op) { _ = w.Write(op) }) // Close tells the first error
	return st, w.Close()
}

// Save writes the history to w.
func (h History) Save(out io.Writer, f histories.Format) error {
	w, err := histories.NewWriter(out, f)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&h.Header); err != nil {
		return err
	}
	for i := range h.Ops {
		if err := w.Write(&h.Ops[i]); err != nil {
			return err
		}
	}
	return w.Close()
}

// Read reads a whole history into memory and closes the reader.
func Read(r histories.Reader) (History, error) {
	var h History
	h.Header, _ = r.Header()
	for {
		op, err := r.Next()
		if err == io.EOF {
			return h, r.Close()
		}
		if err != nil {
			return h, errors.Join(err, r.Close())
		}
		h.Keep(op)
	}
}
