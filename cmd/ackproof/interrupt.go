package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// onInterrupt closes stop at the first Ctrl-C; a second one ends the process.
// SIGTERM and SIGHUP count as Ctrl-C.
func onInterrupt(w io.Writer) (stop chan struct{}, release func()) {
	stop = make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	quit := make(chan struct{})
	go func() {
		first := true
		for {
			select {
			case <-signals:
				if !first {
					os.Exit(exitStopped)
				}
				first = false
				close(stop)
				fmt.Fprintln(w, "\nackproof: stopping: healing, reading back, judging; Ctrl-C again ends at once")
			case <-quit:
				return
			}
		}
	}()
	return stop, func() { signal.Stop(signals); close(quit) }
}

// stopped tells whether the user asked to stop.
func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}
