package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/keep"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// keeperLine is what a keeper tells whoever started it, one JSON value a line.
type keeperLine struct {
	Progress string `json:"progress,omitempty"`
	Ready    bool   `json:"ready,omitempty"`
	Error    string `json:"error,omitempty"`
	Usage    bool   `json:"usage,omitempty"` // the user can mend it
}

// clusterKeepCmd is the keeper's own process. It reads its spec from the
// standard input and says on the standard output how the start goes on.
func (a *app) clusterKeepCmd() *cobra.Command {
	return &cobra.Command{
		Use: "keep NAME", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			var spec keep.Spec
			if err := json.NewDecoder(a.in).Decode(&spec); err != nil {
				return usage(fmt.Errorf("read the cluster to keep: %w", err))
			}
			tell := json.NewEncoder(a.out)
			err := keep.Keep(ctx, args[0], spec,
				func(line string) { _ = tell.Encode(keeperLine{Progress: line}) },
				func() { _ = tell.Encode(keeperLine{Ready: true}) })
			if err != nil {
				_ = tell.Encode(keeperLine{Error: err.Error(), Usage: errors.Is(err, kafkadist.ErrMissing) || errors.Is(err, keep.ErrHeld)})
				return &exitError{code: exitInternal}
			}
			return nil
		},
	}
}

// startKeeper starts a keeper that outlives this process, and waits until its
// cluster can be used. A keeper that is not ready when ctx ends is ended.
func (a *app) startKeeper(ctx context.Context, name string, spec keep.Spec) error {
	self, err := os.Executable()
	if err != nil {
		return internal(fmt.Errorf("find the own executable: %w", err))
	}
	cmd := exec.Command(self, "cluster", "keep", name)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), childEnv+"=1") // nobody waits for its exit code
	cmd.SysProcAttr = detached()
	in, err := cmd.StdinPipe()
	if err != nil {
		return internal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return internal(err)
	}
	if err := cmd.Start(); err != nil {
		return internal(fmt.Errorf("start the keeper: %w", err))
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })()
	_ = json.NewEncoder(in).Encode(spec) // a keeper that ended says so below
	_ = in.Close()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l keeperLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			continue
		}
		switch {
		case l.Ready && ctx.Err() == nil:
			return nil
		case l.Progress != "":
			a.progress(l.Progress)
		case l.Error != "":
			_ = cmd.Wait()
			return startFailed(ctx, name, l)
		}
	}
	err = cmd.Wait()
	return startFailed(ctx, name, keeperLine{Error: fmt.Sprintf("the keeper ended: %v", err)})
}

// startFailed says why there is no cluster.
func startFailed(ctx context.Context, name string, l keeperLine) error {
	err := fmt.Errorf("keep cluster %s: %s", name, l.Error)
	switch {
	case ctx.Err() != nil:
		return &exitError{exitStopped, errors.New("the start was stopped; nothing is left of it")}
	case l.Usage:
		return usage(err)
	}
	return internal(err)
}
