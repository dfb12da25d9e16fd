package nemesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	tc "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// callLimit bounds every call to Toxiproxy. A healthy server answers within
// milliseconds; a frozen one answers after 25 s, or never.
const callLimit = 2 * time.Second

// errNoAnswer says that a call was given up and may still be under way.
var errNoAnswer = errors.New("the server does not answer")

// call does one call to Toxiproxy, which knows no context, under a deadline. A
// call that is given up goes on in the background until the HTTP client's own
// limit of 30 s; what it works on must not be used again.
func call(ctx context.Context, what string, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("toxiproxy: %s: %w", what, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("toxiproxy: %s: %w", what, errNoAnswer)
	}
}

// server is a Toxiproxy server: our own, in this process, or a foreign one.
type server struct {
	api *tc.Client
	own *toxiproxy.ApiServer // nil: in another process
	web *http.Server
	url string
	// kept says that the server is of our kind, in the process of a cluster's keeper.
	kept bool
}

// anyPort is a free port of the loopback interface.
const anyPort = "127.0.0.1:0"

// startServer starts a Toxiproxy server of our own on a free loopback port.
func startServer(log io.Writer) (*server, error) { return startServerOn(anyPort, log) }

// startServerOn starts a Toxiproxy server of our own whose API listens there.
func startServerOn(addr string, log io.Writer) (*server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start toxiproxy on %s: %w", addr, err)
	}
	logger := zerolog.Nop()
	if log != nil {
		logger = zerolog.New(zerolog.SyncWriter(log)).Level(zerolog.InfoLevel).Hook(zerolog.HookFunc(terse)).With().Timestamp().Logger()
	}
	own := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), logger)
	s := &server{
		api: tc.NewClient(ln.Addr().String()),
		own: own,
		web: &http.Server{Handler: withSlots(logged(own.Routes(), logger)), ReadHeaderTimeout: 10 * time.Second},
		url: "http://" + ln.Addr().String(),
	}
	go s.web.Serve(ln) // ends with stop
	return s, nil
}

// withSlots adds the switches of our control toxics to Toxiproxy's own API.
func withSlots(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(toxic.HandlerPath, toxic.Handler())
	mux.Handle("/", next)
	return mux
}

// terse leaves out what Toxiproxy says of every connection, and its advice on
// the methods that its own client uses.
func terse(e *zerolog.Event, _ zerolog.Level, msg string) {
	if msg == "Accepted client" || msg == "Source terminated" || strings.HasPrefix(msg, "ProxyUpdate: HTTP method") {
		e.Discard()
	}
}

// logged logs every request that switches something, as Toxiproxy does not.
func logged(next http.Handler, log zerolog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			log.Info().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Bytes("body", bytes.TrimSpace(body)).Msg("switch")
		}
		next.ServeHTTP(w, r)
	})
}

// dialServer finds a foreign Toxiproxy server.
func dialServer(ctx context.Context, url string) (*server, error) {
	s := &server{api: tc.NewClient(url), url: url}
	err := call(ctx, "ask "+url+" for its version", func() error {
		_, err := s.api.Version()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w (is a Toxiproxy server running there?)", err)
	}
	return s, nil
}

// stop ends our own server and every proxy on it. Of a foreign one it ends nothing.
func (s *server) stop() error {
	if s.own == nil {
		return nil
	}
	// A frozen proxy holds the lock that Clear needs; the listener of the API
	// can be closed in any case.
	err := call(context.Background(), "end all proxies", s.own.Collection.Clear)
	if e := s.web.Close(); err == nil && e != nil {
		err = fmt.Errorf("stop toxiproxy: %w", e)
	}
	return err
}
