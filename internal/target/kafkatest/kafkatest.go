// Package kafkatest starts a real Apache Kafka for tests: a single node on the
// loopback interface, by the script in testdata/kafka.
package kafkatest

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed testdata/kafka
var files embed.FS

// ErrMissing says that the machine lacks what Kafka needs. A test skips then,
// unless Required.
var ErrMissing = errors.New("no Kafka can be started on this machine")

// Required tells whether tests must fail where Kafka cannot be started:
// ACKPROOF_REQUIRE_KAFKA=1.
func Required() bool { return os.Getenv("ACKPROOF_REQUIRE_KAFKA") == "1" }

const (
	// startLimit bounds the start, the first fetch of the jars included.
	startLimit = 5 * time.Minute
	// stopLimit bounds the stop; the script itself gives Kafka 5 s.
	stopLimit = 15 * time.Second
)

// Start starts Kafka on free ports and returns its address, host:port, and what
// stops it: after stop no process of it is left. Cancelling ctx stops it as well.
//
// A port that was free may be taken by the time Kafka binds it, so that a
// start that failed is tried once more.
func Start(ctx context.Context) (addr string, stop func() error, err error) {
	if err := Available(); err != nil {
		return "", nil, err
	}
	addr, stop, err = start(ctx)
	if err != nil && ctx.Err() == nil {
		addr, stop, err = start(ctx)
	}
	return addr, stop, err
}

func start(ctx context.Context) (addr string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "ackproof-kafkatest")
	if err != nil {
		return "", nil, fmt.Errorf("start Kafka: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	for _, name := range []string{"start.sh", "pom.xml"} {
		b, err := files.ReadFile("testdata/kafka/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o755)
		}
		if err != nil {
			return "", nil, fmt.Errorf("start Kafka: %w", err)
		}
	}
	port, err := freePorts()
	if err != nil {
		return "", nil, fmt.Errorf("start Kafka: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(dir, "start.sh"))
	cmd.Env = append(os.Environ(), "KAFKA_PORT="+strconv.Itoa(port))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	cmd.SysProcAttr = childAttr()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("start Kafka: %w", err)
	}
	stop = sync.OnceValue(func() error {
		cancel()
		cmd.Wait() // the script's status after a signal says nothing
		return os.RemoveAll(dir)
	})
	addr, err = awaitAddr(out)
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("start Kafka: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return addr, stop, nil
}

// Available says what is missing to start Kafka, as an ErrMissing; nil: nothing.
func Available() error {
	for _, name := range []string{"bash", "java"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: %s is not installed", ErrMissing, name)
		}
	}
	if os.Getenv("KAFKA_HOME") != "" || os.Getenv("KAFKA_JARS") != "" {
		return nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("%w: neither mvn is installed nor KAFKA_HOME or KAFKA_JARS set", ErrMissing)
	}
	return nil
}

// awaitAddr waits for the script's line "bootstrap host:port".
func awaitAddr(out interface{ Read([]byte) (int, error) }) (string, error) {
	line := make(chan string, 1)
	go func() {
		defer close(line)
		for in := bufio.NewScanner(out); in.Scan(); {
			if addr, ok := strings.CutPrefix(in.Text(), "bootstrap "); ok {
				line <- addr
				return
			}
		}
	}()
	t := time.NewTimer(startLimit)
	defer t.Stop()
	select {
	case addr, ok := <-line:
		if !ok {
			return "", errors.New("the script ended before Kafka answered")
		}
		return addr, nil
	case <-t.C:
		return "", fmt.Errorf("the started Kafka did not answer within %v", startLimit)
	}
}

// Ports are looked for below those that Linux and macOS give to connections, or
// somebody's connection would take one before Kafka does.
const firstPort, lastPort = 20000, 32000

// freePorts returns the first of two free ports that follow one another.
func freePorts() (int, error) {
	for i := range 100 {
		port := firstPort + 2*(os.Getpid()+i)%(lastPort-firstPort) // not where another process begins
		if isFree(port) && isFree(port+1) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find two free ports in a row between %d and %d: there are none", firstPort, lastPort)
}

// isFree tells whether nobody listens on a port of the loopback interface.
func isFree(port int) bool {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}
