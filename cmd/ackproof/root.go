package main

import (
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// app is what the commands share.
type app struct {
	in       io.Reader
	out, err io.Writer
}

func newRoot(in io.Reader, out, errOut io.Writer) *cobra.Command {
	a := &app{in: in, out: out, err: errOut}
	root := &cobra.Command{
		Use:   "ackproof",
		Short: "Break the network of a Kafka-compatible cluster and prove what the broker did",
		Long: `ackproof runs concurrent clients against a Kafka-compatible cluster while it
breaks their network, records every operation, and proves from that record
alone: no acknowledged message lost, offsets monotonic, the log linearizable.

Exit codes: 0 valid, 1 invalid, 2 unknown, 254 bad arguments, 255 internal
error, 130 second Ctrl-C.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	root.AddCommand(a.runCmd(), a.checkCmd(), a.replayCmd(), a.showCmd(), a.convertCmd(), a.listCmd(), a.versionCmd(), a.proxiesCmd(), a.doctorCmd(), a.serveCmd())
	root.AddCommand(a.scenarioCmd(), a.suiteCmd(), a.clusterCmd(), a.shrinkCmd(), a.museumCmd())
	root.AddCommand(a.soakCmd())
	tellArgs(root)
	return root
}

// tool names this build in the headers of histories.
func tool() string { return "ackproof " + version() }

// Version is the release; a build from a checkout says which commit it is from.
const Version = "0.1.0"

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = "+" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return Version + rev + dirty
}
