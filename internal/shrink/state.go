package shrink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ReadState reads what a search has tried. A file that is not there is a search
// that begins; one of another kind, or one that cannot be understood, is refused.
func ReadState(path, kind string) (*State, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &State{Format: StateFormat, Kind: kind}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was tried: %w", err)
	}
	s := &State{}
	switch err := json.Unmarshal(b, s); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; remove it to begin anew", path, err)
	case s.Format != StateFormat:
		return nil, fmt.Errorf("%s has format %d, this version reads %d; remove it to begin anew", path, s.Format, StateFormat)
	case s.Kind != kind:
		return nil, fmt.Errorf("%s is of a search for %s; name it with --kind, or remove the file to begin anew", path, s.Kind)
	}
	for i, t := range s.Tried {
		if t == nil || t.Runs < 0 || t.Reproduced < 0 || t.Reproduced > t.Runs {
			return nil, fmt.Errorf("%s: entry %d of tried: want runs, and no more of them reproduced; remove it to begin anew", path, i)
		}
	}
	return s, nil
}

// Write keeps the state: the file is the old or the new one, whatever happens.
func (s *State) Write(path string) error {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("keep what was tried: %w", err)
	}
	if err := place(path, append(b, '\n')); err != nil {
		return fmt.Errorf("keep what was tried: %w", err)
	}
	return nil
}
