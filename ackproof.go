// Package ackproof runs and judges from Go what the command runs and judges
// from the shell: another module's go test can break a cluster's network,
// record what its clients saw, and fail on a verdict that is not valid.
//
// The parts are packages of their own: histories, generator, nemesis, client
// and checker.
package ackproof

import (
	"context"
	"io"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
)

// Spec is all that a run is made from.
type Spec = run.Spec

// Duration is how a Spec writes a duration.
type Duration = run.Duration

// Options are where a run is kept and how it is watched.
type Options = run.Options

// Result is what a run left behind: its directory and its verdict.
type Result = run.Result

// Default is the command's default run: twenty seconds under all faults on the
// embedded three-broker target.
func Default() Spec { return run.Default() }

// Run makes one run. An error is a harness error, never a verdict: look at
// Result.Verdict.Valid, and treat anything but valid as a failure.
func Run(ctx context.Context, spec Spec, o Options) (Result, error) {
	if o.Summary == nil {
		o.Summary = func(w io.Writer, r Result) {
			report.Summary(w, report.Run{Header: r.Header, Verdict: r.Verdict, Dir: r.Dir})
		}
	}
	return run.Run(ctx, spec, o)
}

// Check judges a saved history: a file, or a run directory.
func Check(path string, o checker.Options) (checker.Verdict, error) {
	return run.CheckFile(path, o)
}
