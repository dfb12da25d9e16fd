// Command ackproof breaks the network of a Kafka-compatible cluster, records
// what its clients saw, and proves from that record alone what the broker did.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ackproof/ackproof/checker"
)

// Exit codes.
const (
	exitValid    = 0
	exitInvalid  = 1
	exitUnknown  = 2
	exitUsage    = 254
	exitInternal = 255
	exitStopped  = 130
)

func main() {
	os.Exit(supervise(os.Args[1:], func(args []string) int {
		return Main(args, os.Stdin, os.Stdout, os.Stderr)
	}))
}

// Main runs one command and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot(in, out, errOut)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return exitValid
	}
	var code *exitError
	if !errors.As(err, &code) {
		// What cobra itself refuses is a bad argument.
		code = &exitError{code: exitUsage, err: err}
	}
	if code.err != nil {
		fmt.Fprintf(errOut, "ackproof: %s\n", sentence(code.err))
	}
	return code.code
}

// sentence puts joined errors on one line.
func sentence(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// exitError carries an exit code through cobra. A nil err has been said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error    { return &exitError{exitUsage, err} }
func internal(err error) error { return &exitError{exitInternal, err} }

// fileError is usage where a file is missing or cannot be understood.
func fileError(err error) error {
	if err == nil {
		return nil
	}
	return usage(err)
}

// verdictCode maps a verdict to its exit code.
func verdictCode(v checker.Validity) error {
	switch v {
	case checker.Valid:
		return nil
	case checker.Invalid:
		return &exitError{code: exitInvalid}
	}
	return &exitError{code: exitUnknown}
}
