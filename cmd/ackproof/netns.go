package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ackproof/ackproof/internal/netns"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// netnsEnv says that this process has a network namespace of its own.
const netnsEnv = "ACKPROOF_IN_NETNS"

// inNetns does what the command does, in a network namespace of its own where
// the spec asks for one: then the command is run again in a child process that
// lives there, so that the kernel removes namespace and rules with it.
func (a *app) inNetns(spec run.Spec, do func() error) error {
	switch {
	case !spec.Netns:
		return do()
	case os.Getenv(netnsEnv) != "":
		os.Unsetenv(netnsEnv)
		if err := netns.Up(); err != nil {
			return internal(err)
		}
		if err := nemesis.CheckNft(context.Background()); err != nil {
			return usage(err)
		}
		return do()
	}
	// Nothing can be fetched from in there.
	if name, version, _ := strings.Cut(spec.Target, ":"); name == "kafka" {
		ctx, stop := interruptible()
		defer stop()
		if _, err := target.InstallKafka(ctx, version, a.progress); err != nil {
			return internal(err)
		}
	}
	code, err := again(os.Args[1:], netns.Start, netnsEnv+"=1")
	if errors.Is(err, netns.ErrRefused) {
		return usage(fmt.Errorf("%w; run as root, or leave out --netns", err))
	}
	if err != nil {
		return internal(err)
	}
	return &exitError{code: code}
}
