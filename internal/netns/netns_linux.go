// Package netns gives a process and its children a network namespace of their
// own: addresses, sockets and packet rules that nobody else sees, and that the
// kernel removes with the last of them, however they end.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrRefused says that the kernel lets no process have a namespace of its own.
var ErrRefused = errors.New("this machine lets no process have a network namespace of its own")

// Start starts the command in a network namespace of its own. As root that needs
// nothing else; others get a user namespace with it, in which they may set up
// the network.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	var err error
	if os.Geteuid() == 0 {
		plain := *cmd // a command can be started once
		if err = plain.Start(); err == nil {
			*cmd = plain
			return nil
		}
		if !errors.Is(err, syscall.EPERM) {
			return refused(err)
		}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	if err = cmd.Start(); err != nil {
		return refused(err)
	}
	return nil
}

func refused(err error) error {
	for _, e := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.EINVAL, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w (%w)", ErrRefused, e)
		}
	}
	return err
}

// Up makes the loopback interface of a new namespace work.
func Up() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up the loopback interface: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err == nil {
		ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
	}
	if err != nil {
		return fmt.Errorf("bring up the loopback interface: %w", err)
	}
	return nil
}
