// Package serve shows the saved runs of a store to browsers: which there are,
// each one's page and files, the page of a run while it lasts, and two runs
// side by side. It only reads, and nothing but the store.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"
)

// Server serves one store.
type Server struct {
	store   string // as it was named, for people
	root    *os.Root
	cache   cache
	streams chan struct{} // a token for each live page being followed
	// loopback says that only this machine can ask, so that a request that
	// names another host comes from a page that was lured here.
	loopback bool
}

const (
	// maxStreams bounds the live pages followed at the same time.
	maxStreams = 64
	// patience is how long requests under way may take when the server ends.
	patience = 2 * time.Second
)

// New opens a store. The caller closes the server.
func New(store string) (*Server, error) {
	root, err := os.OpenRoot(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store %s is not there: make a run first, or name another with --store", store)
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", store, err)
	}
	return &Server{store: store, root: root, streams: make(chan struct{}, maxStreams)}, nil
}

// Close lets go of the store.
func (s *Server) Close() error { return s.root.Close() }

// Listen takes an address, host:port. An address in use is an error that says
// by whom.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	if inUse(err) {
		if who := owner(addr); who != "" {
			return nil, fmt.Errorf("%s is in use by %s: end it, or choose another address with --addr", addr, who)
		}
		return nil, fmt.Errorf("%s is in use by another program: choose another address with --addr", addr)
	}
	return nil, fmt.Errorf("listen on %s: %w", addr, err)
}

// Serve answers requests until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.loopback = Loopback(l.Addr())
	go s.runs() // so that the first page need not wait for all verdicts to be read
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve the store: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return errors.Join(srv.Close())
	}
	return nil
}

// Loopback tells whether only this machine reaches the address.
func Loopback(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /run/{id...}", s.run)
	mux.HandleFunc("GET /files/{path...}", s.file)
	mux.HandleFunc("GET /live/{id...}", s.live)
	mux.HandleFunc("GET /events/{id...}", s.events)
	mux.HandleFunc("GET /compare", s.compare)
	mux.HandleFunc("GET /soak/{name...}", s.soak)
	return s.guard(mux)
}

// guard refuses what a browser on this machine would not ask of its own accord,
// and forbids pages to do what they have no need to.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "no-cache")
		if s.loopback && !localHost(r.Host) {
			http.Error(w, "this server is for this machine: use a loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// localHost tells whether a request was addressed to this machine by a name
// that nobody else can point elsewhere.
func localHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if name == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}
