package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/nemesis"
)

// guarded is what a guard is told: how a Toxiproxy server that is somebody
// else's stood before the run.
type guarded struct {
	URL    string
	Before []nemesis.Standing
	Adopt  []string // proxies of theirs that the run uses
}

// guardDone is what a guard is told by a run that has cleaned up itself.
const guardDone = "done"

// guard starts a process that cleans a foreign Toxiproxy server up once this one
// has ended without doing so: what stands there outlives a run that is killed.
// release lets it go. Where no foreign server is used it does nothing.
func (a *app) guard(spec run.Spec) (release func(), err error) {
	if spec.Toxiproxy == "" {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	g := guarded{URL: spec.Toxiproxy}
	s, err := nemesis.Dial(ctx, g.URL)
	if err == nil {
		g.Before, err = s.List(ctx)
	}
	if err != nil {
		return func() {}, nil // the run says that there is no server, and leaves nothing on it
	}
	if spec.Proxies != "" {
		t, err := run.Topology(spec.Proxies)
		if err != nil {
			return nil, usage(err)
		}
		for _, p := range t.Proxies {
			if p.Carries == nemesis.CarriesKafka {
				g.Adopt = append(g.Adopt, p.Name)
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, internal(fmt.Errorf("find the own executable: %w", err))
	}
	cmd := exec.Command(self, "proxies", "guard")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), childEnv+"=1") // nobody waits for its exit code
	cmd.SysProcAttr = detached()
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		err = json.NewEncoder(in).Encode(g)
	}
	if err != nil {
		return nil, internal(fmt.Errorf("start the guard of the Toxiproxy server: %w", err))
	}
	return func() {
		_ = json.NewEncoder(in).Encode(guardDone)
		_ = in.Close()
		_ = cmd.Wait() // its status says nothing
	}, nil
}

// proxiesGuardCmd is the guard's own process.
func (a *app) proxiesGuardCmd() *cobra.Command {
	return &cobra.Command{
		Use: "guard", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGINT, syscall.SIGTERM)
			var g guarded
			words := json.NewDecoder(a.in)
			if err := words.Decode(&g); err != nil {
				return usage(fmt.Errorf("read what to guard: %w", err))
			}
			var word string
			if err := words.Decode(&word); err == nil && word == guardDone {
				return nil
			} else if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return internal(err)
			}
			return fileError(g.undo())
		},
	}
}

// guardLimit is how long a guard tries: a call of the run that was killed may
// still be under way.
const guardLimit = 2 * time.Minute

// undo tries until the server is as it was.
func (g guarded) undo() error {
	ctx, cancel := context.WithTimeout(context.Background(), guardLimit)
	defer cancel()
	for {
		s, err := nemesis.Dial(ctx, g.URL)
		if err == nil {
			err = s.Undo(ctx, g.Before, g.Adopt)
		}
		if err == nil {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("clean up the Toxiproxy server at %s: %w", g.URL, err)
		}
	}
}
