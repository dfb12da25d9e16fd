package keep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
)

// none is what a call takes or returns that needs nothing.
type none struct{}

// failure is how an error goes over the wire.
type failure struct{ Error string }

// serve adds a call to the keeper's API.
func serve[A, R any](mux *http.ServeMux, call string, do func(ctx context.Context, a A) (R, error)) {
	mux.HandleFunc("POST /"+call, func(w http.ResponseWriter, r *http.Request) {
		var a A
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil && !errors.Is(err, io.EOF) {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		out, err := do(r.Context(), a)
		if err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		_ = json.NewEncoder(w).Encode(out)
	})
}

func refuse(w http.ResponseWriter, code int, err error) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(failure{err.Error()})
}

// ask makes a call. Where ctx ends, so does what was asked for.
func ask[R any](ctx context.Context, c *http.Client, call string, a any) (out R, err error) {
	resp, err := post(ctx, c, call, a)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("ask the keeper for %s: %w", call, err)
	}
	return out, nil
}

// post makes a call whose answer is read by the caller. A refusal is an error.
func post(ctx context.Context, c *http.Client, call string, a any) (*http.Response, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("ask the keeper for %s: %w", call, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://keeper/"+call, bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("ask the keeper for %s: %w", call, err)
	}
	resp, err := c.Do(req)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) { // it has just ended
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the keeper for %s: %w", call, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		var f failure
		if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.Error == "" {
			f.Error = "the keeper answers " + resp.Status
		}
		return nil, errors.New(f.Error)
	}
	return resp, nil
}

// ErrHeld says that somebody keeps a cluster in the directory.
var ErrHeld = errors.New("a cluster of this name is kept already")

// lock takes the directory for a keeper. The kernel frees it with the process.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cluster's directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrHeld
		}
		return nil, fmt.Errorf("lock the cluster's directory: %w", err)
	}
	return f, nil
}
