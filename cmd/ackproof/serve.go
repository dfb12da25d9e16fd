package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/serve"
)

// defaultServe is where serve listens: on this machine only.
const defaultServe = "127.0.0.1:8460"

func (a *app) serveCmd() *cobra.Command {
	var store, addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Show the saved runs, and those under way, to a browser",
		Long: `serve shows the runs of a store: a list, newest first; each run's page and
files; the page of a run while it lasts; two runs side by side. It reads the
store and writes nothing. It listens on this machine only, unless --addr says
otherwise: whoever reaches the address reads the store.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.serve(store, addr) },
	}
	cmd.Flags().StringVar(&store, "store", defaultStore, "directory of the run directories")
	cmd.Flags().StringVar(&addr, "addr", defaultServe, "address to listen on; port 0 takes a free one")
	return cmd
}

func (a *app) serve(store, addr string) (err error) {
	s, err := serve.New(store)
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := serve.Listen(addr)
	if err != nil {
		return usage(err)
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer release()
	fmt.Fprintf(a.out, "http://%s shows the runs of %s; Ctrl-C ends\n", l.Addr(), store)
	if !serve.Loopback(l.Addr()) {
		fmt.Fprintf(a.err, "ackproof: whoever reaches %s reads the store\n", l.Addr())
	}
	if err := s.Serve(ctx, l); err != nil {
		return internal(err)
	}
	return nil
}
