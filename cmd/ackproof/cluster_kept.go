package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/keep"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
)

// clusterName is the name given, or the one that is meant without.
func clusterName(args []string) string {
	if len(args) == 0 {
		return keep.Default
	}
	return args[0]
}

// interruptible is a context that ends with Ctrl-C.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

func (a *app) clusterUpCmd() *cobra.Command {
	spec := keep.Spec{Target: "kafka"}
	cmd := &cobra.Command{
		Use:   "up [NAME]",
		Short: "Start a cluster and keep it for many runs",
		Long: `Starts a cluster that runs on when the command ends, for run --cluster NAME. A
keeper process owns its nodes and the proxies between them: where that ends,
however it ends, so do they. One run at a time uses a cluster; what a run leaves
broken that was killed is undone by the keeper. Several clusters can stand side
by side. NAME is "default" where none is given.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := clusterName(args)
			if err := checkKept(name, &spec); err != nil {
				return usage(err)
			}
			ctx, stop := interruptible()
			defer stop()
			begin := time.Now()
			if err := a.startKeeper(ctx, name, spec); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "cluster %s is up after %.1f s: ackproof run --cluster %s\n", name, time.Since(begin).Seconds(), name)
			return a.showClusters(ctx, []string{name})
		},
	}
	cmd.Flags().StringVar(&spec.Target, "target", spec.Target, "kafka[:VERSION], process:FILE or embedded (see list targets)")
	cmd.Flags().IntVar(&spec.Nodes, "nodes", 0, "brokers (default: the target's)")
	cmd.Flags().Uint64Var(&spec.Seed, "seed", 0, "seed of the proxies between the nodes")
	return cmd
}

// checkKept refuses what cannot be kept, before a keeper is started.
func checkKept(name string, spec *keep.Spec) error {
	if err := keep.CheckName(name); err != nil {
		return err
	}
	if err := run.CheckTarget(spec.Target); err != nil {
		return err
	}
	if strings.HasPrefix(spec.Target, "external") {
		return fmt.Errorf("target %s: it is somebody else's and runs already: give it to run itself", spec.Target)
	}
	if err := target.Check(spec.Target); err != nil {
		return err
	}
	if spec.Nodes == 0 {
		spec.Nodes = target.DefaultNodesOf(spec.Target)
	}
	if err := target.CheckNodes(spec.Target, spec.Nodes); err != nil {
		return err
	}
	if _, err := keep.Look(context.Background(), name); err == nil {
		return fmt.Errorf("cluster %s is up already: take another name, or end it with ackproof cluster down %s", name, name)
	}
	return nil
}

func (a *app) clusterStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show kept clusters: nodes, leaders, in-sync replicas, processes, memory",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			ctx, stop := interruptible()
			defer stop()
			if len(args) == 0 {
				names := keep.Names(ctx)
				if len(names) == 0 {
					fmt.Fprintln(a.out, "no cluster is kept: start one with ackproof cluster up")
					return nil
				}
				return a.showClusters(ctx, names)
			}
			return a.showClusters(ctx, args)
		},
	}
}

func (a *app) clusterDownCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "down [NAME]",
		Short: "End a kept cluster and remove its data",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := clusterName(args)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := keep.Down(ctx, name); err != nil {
				return keptError(err)
			}
			fmt.Fprintf(a.out, "cluster %s is down\n", name)
			return nil
		},
	}
}

// keptError chooses the exit code of what a keeper, or its absence, says.
func keptError(err error) error {
	if errors.Is(err, keep.ErrUnknown) {
		return usage(err)
	}
	return internal(err)
}

// showClusters prints what there is to be seen of each.
func (a *app) showClusters(ctx context.Context, names []string) error {
	for _, name := range names {
		if _, err := keep.Find(ctx, name); err != nil {
			return keptError(err)
		}
		s, err := keep.Ask(ctx, name)
		if err != nil {
			return keptError(err)
		}
		showStatus(a.out, s)
	}
	return nil
}

// showStatus prints a cluster as tables.
func showStatus(out io.Writer, s keep.Status) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	used := "free"
	if s.User != "" {
		used = "used by " + s.User
	}
	fmt.Fprintf(w, "\ncluster %s: %s, %d nodes, up for %s, keeper process %d, %s\n",
		s.Name, s.Target, len(s.Nodes), time.Since(s.Started).Round(time.Second), s.Keeper, used)
	leads, in, of := map[string]int{}, map[string]int{}, map[string]int{}
	for _, p := range s.Partitions {
		leads[p.Leader]++
		for _, n := range p.ISR {
			in[n]++
		}
		for _, n := range p.Replicas {
			of[n]++
		}
	}
	fmt.Fprintf(w, "node\taddress\tprocess\tRSS\tleads\tin sync\trole\n")
	for i, n := range s.Nodes {
		p, pid, rss, role := s.Procs[i], "keeper's", "", ""
		if s.Driven {
			if pid = "does not run"; p.PID != 0 {
				pid, rss = fmt.Sprint(p.PID), fmt.Sprintf("%d MB", p.RSS>>20)
			}
		}
		if n.Name == s.Controller {
			role = "controller"
		}
		addr := n.Upstream
		if addr == "" {
			addr = n.Addr
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d of %d\t%s\n", n.Name, addr, pid, rss, leads[n.Name], in[n.Name], of[n.Name], role)
	}
	if s.Error != "" {
		fmt.Fprintf(w, "not answered: %s\n", s.Error)
	}
}
