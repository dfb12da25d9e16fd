package toxic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// HandlerPath begins the paths that Handler serves.
const HandlerPath = "/ackproof/slots/"

// status is what one slot shows, on the wire.
type status struct {
	Params   Params
	Counters Counters
}

// Handler lets another process on this machine switch the slots of this one:
// GET HandlerPath+ID shows a slot, POST puts Params in force. It is for clusters
// that outlive the runs which break them.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.URL.Path[len(HandlerPath):], 10, 64)
		table.RLock()
		s := table.slots[id]
		table.RUnlock()
		if err != nil || s == nil {
			http.Error(w, "no such slot", http.StatusNotFound)
			return
		}
		if r.Method == http.MethodPost {
			var p Params
			if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			s.Set(p)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status{s.Params(), s.Counters()})
	})
}

// Remote is a slot of another process.
type Remote struct {
	id  int64
	url string

	mu   sync.Mutex
	last status // what was shown last
	err  error
}

// remoteLimit bounds one call to the other process.
const remoteLimit = 2 * time.Second

var remoteClient = &http.Client{Timeout: remoteLimit}

// NewRemote returns the slot with this number of the process whose Toxiproxy
// server is at url.
func NewRemote(url string, id int64) *Remote {
	return &Remote{id: id, url: url + HandlerPath + strconv.FormatInt(id, 10)}
}

// Number is the attribute "slot" by which a control toxic finds its slot.
func (s *Remote) Number() int64 { return s.id }

// Set puts the parameters in force; Err says whether it could.
func (s *Remote) Set(p Params) {
	b, _ := json.Marshal(p) // numbers and flags
	s.ask(func() (*http.Response, error) {
		return remoteClient.Post(s.url, "application/json", bytes.NewReader(b))
	})
}

// Params returns the parameters in force.
func (s *Remote) Params() Params { return s.look().Params }

// Counters returns the bytes seen so far; the last ones known where the other
// process does not answer.
func (s *Remote) Counters() Counters { return s.look().Counters }

// Err says why the last call failed; nil: it did not.
func (s *Remote) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Free lets everything pass again. The slot stays the other process's.
func (s *Remote) Free() { s.Set(Params{}) }

func (s *Remote) look() status {
	s.ask(func() (*http.Response, error) { return remoteClient.Get(s.url) })
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Remote) ask(do func() (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp, err := do()
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
			err = errors.New(string(bytes.TrimSpace(b)))
		} else {
			err = json.NewDecoder(resp.Body).Decode(&s.last)
		}
	}
	if s.err = nil; err != nil {
		s.err = fmt.Errorf("switch a link of the kept cluster: %w", err)
	}
}
