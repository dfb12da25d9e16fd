package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/internal/names"
)

// tellArgs makes a command and those below it say of wrong arguments and flags
// what was probably meant, and what is wanted.
func tellArgs(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if check == nil || check(cmd, args) == nil {
			return nil
		}
		if cmd.HasAvailableSubCommands() && len(args) > 0 {
			var known []string
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() {
					known = append(known, c.Name())
				}
			}
			return fmt.Errorf("unknown command %q for %q%s; there are: %s", args[0], cmd.CommandPath(), names.Hint(args[0], known), strings.Join(known, ", "))
		}
		if len(args) == 1 && len(cmd.ValidArgs) > 0 {
			return fmt.Errorf("unknown argument %q%s; want %s", args[0], names.Hint(args[0], cmd.ValidArgs), cmd.UseLine())
		}
		for n := len(args) - 1; n >= 0; n-- {
			if check(cmd, args[:n]) == nil {
				return fmt.Errorf("unexpected argument %q: want %s", args[n], cmd.UseLine())
			}
		}
		return fmt.Errorf("an argument is missing: want %s", cmd.UseLine())
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) {
			return err
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return fmt.Errorf("%w%s; see %s --help", err, names.Hint(unknown.GetSpecifiedName(), known), cmd.CommandPath())
	})
	for _, c := range cmd.Commands() {
		tellArgs(c)
	}
}
