// Package keep holds clusters that outlive the runs on them. A keeper is a
// process that owns a cluster's nodes and the proxies between them; it answers
// on a socket in a directory of its own, and whatever it started ends with it.
package keep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// DirVar names the environment variable that says where clusters are kept.
const DirVar = "ACKPROOF_CLUSTERS"

// Default is the cluster that is meant where no name is given.
const Default = "default"

// What stands in a cluster's directory.
const (
	socketFile = "socket"
	dataDir    = "nodes" // the nodes' own directories
	// LogFile is what the keeper and its cluster log.
	LogFile = "keeper.log"
)

// longestSocket is the longest path of a socket that every kernel takes.
const longestSocket = 100

// Spec is what a kept cluster is started with.
type Spec struct {
	Target string // as run takes it
	Nodes  int
	Seed   uint64
}

// Info is what a keeper says of its cluster.
type Info struct {
	Name, Target string
	Keeper       int // its process
	Started      time.Time
	Nodes        []target.Node
	Driven       bool            // the nodes' processes are the keeper's
	Peers        string          // URL of the Toxiproxy server between nodes; empty: there is none
	Routes       []nemesis.Route // between nodes
	Metrics      []metrics.Node
	User         string // who uses the cluster now; empty: nobody
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// CheckName tells whether a cluster can be called so.
func CheckName(name string) error {
	if !goodName.MatchString(name) {
		return fmt.Errorf("cluster %q: want a name of up to 32 letters, digits, dashes and underscores, not beginning with a dash", name)
	}
	return nil
}

// root is where all clusters are kept.
func root() (string, error) {
	if dir := os.Getenv(DirVar); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the directory of kept clusters: %w; name one with %s", err, DirVar)
	}
	return filepath.Join(dir, "ackproof", "clusters"), nil
}

// Dir is the directory of a cluster.
func Dir(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	dir, err := root()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, name)
	if n := len(filepath.Join(dir, socketFile)); n > longestSocket {
		return "", fmt.Errorf("the path of the cluster's socket in %s has %d characters; at most %d are possible: name a shorter directory with %s", dir, n, longestSocket, DirVar)
	}
	return dir, nil
}

// ErrUnknown says that no cluster of this name is kept.
var ErrUnknown = errors.New("no such cluster is kept")

// unknown says which clusters there are.
func unknown(ctx context.Context, name string) error {
	known := Names(ctx)
	if len(known) == 0 {
		return fmt.Errorf("cluster %q: %w, and no other: start one with ackproof cluster up %s", name, ErrUnknown, name)
	}
	return fmt.Errorf("cluster %q%s: %w; there are: %s", name, names.Hint(name, known), ErrUnknown, strings.Join(known, ", "))
}

// Names lists the clusters whose keepers answer.
func Names(ctx context.Context) []string {
	dir, err := root()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // none was ever kept
	}
	var out []string
	for _, e := range entries {
		if CheckName(e.Name()) != nil {
			continue
		}
		if _, err := Look(ctx, e.Name()); err == nil {
			out = append(out, e.Name())
		}
	}
	return out
}

// askLimit bounds a question that a keeper answers by itself.
const askLimit = 5 * time.Second

// Look asks a keeper for its cluster. ErrUnknown: none answers by that name.
func Look(ctx context.Context, name string) (Info, error) {
	w, err := dial(name)
	if err != nil {
		return Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return ask[Info](ctx, w, "info", nil)
}

// Ask is Look with everything that is to be seen of the cluster.
func Ask(ctx context.Context, name string) (Status, error) {
	w, err := dial(name)
	if err != nil {
		return Status{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*statusLimit)
	defer cancel()
	return ask[Status](ctx, w, "status", nil)
}

// Find is Look, with an error that names the clusters there are.
func Find(ctx context.Context, name string) (Info, error) {
	info, err := Look(ctx, name)
	if errors.Is(err, ErrUnknown) {
		return info, unknown(ctx, name)
	}
	return info, err
}

// Down ends a cluster, waits until its keeper is gone, and removes what one that
// was killed has left. ErrUnknown: there was nothing.
func Down(ctx context.Context, name string) error {
	dir, err := Dir(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return unknown(ctx, name)
	}
	w, err := dial(name)
	if err != nil {
		return err
	}
	if _, err := ask[none](ctx, w, "down", nil); err != nil && !errors.Is(err, ErrUnknown) {
		return err
	}
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		l, err := lock(dir)
		if err == nil { // nobody keeps it any more
			defer l.Close()
			return os.RemoveAll(dir)
		}
		if errors.Is(err, fs.ErrNotExist) { // the keeper has removed it
			return nil
		}
		if !errors.Is(err, ErrHeld) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of cluster %s: %w", name, ctx.Err())
		}
	}
}

// dial returns a client of the keeper's socket. It does not connect yet.
func dial(name string) (*http.Client, error) {
	dir, err := Dir(name)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, "unix", filepath.Join(dir, socketFile))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
			}
			return c, nil
		},
	}}, nil
}
