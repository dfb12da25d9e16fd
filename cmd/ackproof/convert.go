package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/histories"
)

func (a *app) convertCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Convert a history between JSON Lines, EDN and notation, by the names' extensions",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.convert(args[0], args[1])
		},
	}
}

// convert writes beside the target and renames, so that a failure leaves no
// half-written file under the name.
func (a *app) convert(from, to string) (err error) {
	format, err := histories.FormatOf(to)
	if err != nil {
		return usage(err)
	}
	in, err := a.openHistory(from, "")
	if err != nil {
		return fileError(err)
	}
	defer in.Close()
	if to == "-" {
		return fileError(histories.Convert(in, a.out, format))
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".convert-*")
	if err != nil {
		return usage(fmt.Errorf("convert to %s: %w", to, err))
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(histories.Convert(in, tmp, format), tmp.Close()); err != nil {
		return fileError(fmt.Errorf("convert %s: %w", from, err))
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return internal(fmt.Errorf("convert to %s: %w", to, err))
	}
	if err := os.Rename(tmp.Name(), to); err != nil {
		return internal(fmt.Errorf("convert to %s: %w", to, err))
	}
	return nil
}
