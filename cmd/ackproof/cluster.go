package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// clusterCmd is everything about clusters that ackproof starts.
func (a *app) clusterCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Install brokers, and keep a cluster for many runs",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.clusterInstallCmd(), a.clusterUpCmd(), a.clusterStatusCmd(), a.clusterDownCmd(), a.clusterKeepCmd())
	return cmd
}

func (a *app) clusterInstallCmd() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:   "install kafka",
		Short: "Fetch Apache Kafka by Maven into the user's cache",
		Long: `Fetches the jars of a version of Apache Kafka by Maven into the user's cache
directory, and makes the class-data archive that halves a node's start. The
target kafka does the same by itself on first use. KAFKA_HOME names an unpacked
distribution to use instead.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"kafka"},
		RunE: func(*cobra.Command, []string) error {
			if err := kafkadist.CheckVersion(version); err != nil {
				return usage(err)
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			d, err := target.InstallKafka(ctx, version, a.progress)
			switch {
			case ctx.Err() != nil:
				return &exitError{exitStopped, errors.New("the installation was stopped")}
			case errors.Is(err, kafkadist.ErrMissing):
				return usage(err)
			case err != nil:
				return internal(err)
			}
			fmt.Fprintf(a.out, "Kafka %s: %d jars, class-data archive %s\n", d.Version, len(d.Jars), d.Archive)
			return nil
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "version of Kafka (default "+kafkadist.DefaultVersion+")")
	return cmd
}
