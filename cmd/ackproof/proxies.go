package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// toxiproxyURL is where a Toxiproxy server listens by default.
const toxiproxyURL = "http://127.0.0.1:8474"

func (a *app) proxiesCmd() *cobra.Command {
	var topology string
	cmd := &cobra.Command{
		Use:   "proxies",
		Short: "Make, serve, list and reset the proxies of a topology on a Toxiproxy server",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&topology, "proxies", nemesis.Topologies[0].Name, "the topology: a name (guide) or a YAML file")
	cmd.AddCommand(a.proxiesServeCmd(&topology), a.proxiesCreateCmd(&topology), a.proxiesListCmd(), a.proxiesResetCmd(&topology), a.proxiesGuardCmd())
	return cmd
}

func serverFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("toxiproxy", toxiproxyURL, "URL of the running Toxiproxy server")
}

func (a *app) proxiesServeCmd(topology *string) *cobra.Command {
	var addr, url string
	var embedded bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a Toxiproxy server with the topology's proxies, until Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := run.Topology(*topology)
			if err != nil {
				return usage(err)
			}
			return a.serveProxies(t, url, addr, embedded)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8474", "where the server's API listens")
	cmd.Flags().StringVar(&url, "toxiproxy", "", "make the proxies on this running server instead of serving one")
	cmd.Flags().BoolVar(&embedded, "embedded", false, "start an embedded cluster where the topology's Kafka proxies lead to")
	return cmd
}

// serveProxies serves until the user stops it.
func (a *app) serveProxies(t nemesis.Topology, url, addr string, embedded bool) error {
	stop, release := onInterrupt(a.err)
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if embedded {
		cluster, err := target.StartEmbeddedAt(ctx, kafkaAddrs(t))
		if err != nil {
			return usage(fmt.Errorf("%w; ackproof doctor says who holds a port", err))
		}
		defer cluster.Close()
		fmt.Fprintf(a.out, "embedded cluster at %s\n", strings.Join(kafkaAddrs(t), ", "))
	}
	s, err := serveOrDial(ctx, url, addr)
	if err != nil {
		return usage(err)
	}
	defer s.Stop() // a server that was dialled goes on
	if _, err := s.Create(ctx, t.Proxies); err != nil {
		return usage(err)
	}
	fmt.Fprintf(a.out, "Toxiproxy at %s\n", s.URL())
	if err := a.printProxies(ctx, s, nil, false); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "ready; Ctrl-C ends it")
	<-stop
	return nil
}

func serveOrDial(ctx context.Context, url, addr string) (nemesis.Server, error) {
	if url != "" {
		return nemesis.Dial(ctx, url)
	}
	s, err := nemesis.Serve(addr, nil)
	if err != nil {
		return s, fmt.Errorf("%w; ackproof doctor says who holds the port", err)
	}
	return s, nil
}

// kafkaAddrs are where the Kafka proxies lead to.
func kafkaAddrs(t nemesis.Topology) []string {
	var out []string
	for _, p := range t.Proxies {
		if p.Carries == nemesis.CarriesKafka {
			out = append(out, p.Upstream)
		}
	}
	return out
}

func (a *app) proxiesCreateCmd(topology *string) *cobra.Command {
	var url *string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make the topology's proxies on a running Toxiproxy server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := run.Topology(*topology)
			if err != nil {
				return usage(err)
			}
			ctx := cmd.Context()
			s, err := nemesis.Dial(ctx, *url)
			if err != nil {
				return usage(err)
			}
			made, err := s.Create(ctx, t.Proxies)
			if err != nil {
				return usage(err)
			}
			fmt.Fprintf(a.out, "made %d of %d proxies; the others were there already\n", len(made), len(t.Proxies))
			return a.printProxies(ctx, s, nil, false)
		},
	}
	url = serverFlag(cmd)
	return cmd
}

func (a *app) proxiesListCmd() *cobra.Command {
	var url *string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the proxies of a Toxiproxy server and their toxics",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := nemesis.Dial(cmd.Context(), *url)
			if err != nil {
				return usage(err)
			}
			return a.printProxies(cmd.Context(), s, args, asJSON)
		},
	}
	url = serverFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printProxies prints the proxies that are named, or all.
func (a *app) printProxies(ctx context.Context, s nemesis.Server, only []string, asJSON bool) error {
	all, err := s.List(ctx)
	if err != nil {
		return internal(err)
	}
	if len(only) > 0 {
		var known []string
		for _, p := range all {
			known = append(known, p.Name)
		}
		if !slices.Contains(known, only[0]) {
			return usage(fmt.Errorf("no proxy %q%s on %s: it has %s", only[0], names.Hint(only[0], known), s.URL(), strings.Join(known, ", ")))
		}
		all = slices.DeleteFunc(all, func(p nemesis.Standing) bool { return p.Name != only[0] })
	}
	if asJSON {
		b, err := json.MarshalIndent(all, "", " ")
		if err != nil {
			return internal(err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, p := range all {
		state := "enabled"
		if !p.Enabled {
			state = "disabled"
		}
		fmt.Fprintf(w, "%s\t%s\t→ %s\t%s\t%s\n", p.Name, p.Listen, p.Upstream, state, toxics(p.Toxics))
	}
	return w.Flush()
}

// toxics words what stands on a proxy.
func toxics(list []nemesis.Toxic) string {
	if len(list) == 0 {
		return "no toxics"
	}
	var out []string
	for _, t := range list {
		s := fmt.Sprintf("%s (%s, %s", t.Name, t.Type, t.Stream)
		for _, k := range slices.Sorted(maps.Keys(t.Attributes)) {
			s += fmt.Sprintf(", %s=%v", k, t.Attributes[k])
		}
		out = append(out, s+")")
	}
	return strings.Join(out, ", ")
}

func (a *app) proxiesResetCmd(topology *string) *cobra.Command {
	var url *string
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Take every toxic off the topology's proxies and enable them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := run.Topology(*topology)
			if err != nil {
				return usage(err)
			}
			ctx := cmd.Context()
			s, err := nemesis.Dial(ctx, *url)
			if err != nil {
				return usage(err)
			}
			var ours []string
			for _, p := range t.Proxies {
				ours = append(ours, p.Name)
			}
			reset, err := s.Reset(ctx, ours...)
			if err != nil {
				return internal(err)
			}
			left, err := s.Clean(ctx, t.Proxies)
			if err != nil {
				return internal(err)
			}
			fmt.Fprintf(a.out, "reset %d proxies: %s\n", len(reset), strings.Join(reset, ", "))
			if len(left) > 0 {
				return &exitError{exitInvalid, fmt.Errorf("not as it should be: %s", strings.Join(left, "; "))}
			}
			return nil
		},
	}
	url = serverFlag(cmd)
	return cmd
}
