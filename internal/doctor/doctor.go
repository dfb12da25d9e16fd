// Package doctor looks for what keeps a run from meaning anything: a port that
// somebody else holds, a proxy that is missing or broken, a client that goes
// round the proxies, a toxic that does nothing, a tool that is not there. For
// each it says what it found, why it matters, and the command that mends it.
package doctor

import (
	"context"
	"slices"
	"time"

	"github.com/ackproof/ackproof/nemesis"
)

// Config is what is to be looked at.
type Config struct {
	Target    string            // as for a run; empty: none
	Brokers   []string          // addresses of an external target
	Toxiproxy string            // URL of a Toxiproxy server; empty: none
	Topology  *nemesis.Topology // whose proxies should stand on it; nil: none
	// Limit bounds every question to a broker or a server; 0: 2 s.
	Limit time.Duration
}

// Finding is something that is not as it should be.
type Finding struct {
	Check string `json:"check"`
	Found string `json:"found"` // what was found
	Why   string `json:"why"`   // why it matters
	Mend  string `json:"mend"`  // the command that mends it, or what to do
}

// Report is what a visit to the doctor gives.
type Report struct {
	Findings []Finding `json:"findings"`
	// Notes are what was looked at and is as it should be, or cannot be told.
	Notes []Note `json:"notes"`
}

// Note is something worth knowing.
type Note struct {
	Check string `json:"check"`
	Says  string `json:"says"`
}

// Check is a row of the catalogue.
type Check struct {
	Name, Doc string
	look      func(ctx context.Context, p *patient)
}

// Checks is the catalogue, in the order they are made: a later one may build on
// what an earlier one has learned.
var Checks = []Check{
	{"tools", "Java, Maven and nft, where the target or its faults need them.", tools},
	{"limits", "Enough open files for the clients and proxies.", limits},
	{"ports", "The ports of the Toxiproxy server and its proxies are held by it and by nobody else.", ports},
	{"server", "The Toxiproxy server answers.", server},
	{"proxies", "Every proxy of the topology is there, enabled, leads where it should, and has no left-over toxics.", proxies},
	{"brokers", "Every broker answers directly, and says what it can.", brokers},
	{"links", "Every broker answers through its proxy.", links},
	{"bypass", "Every address that the brokers advertise has a proxy, so that no client goes round them.", bypass},
	{"toxics", "A toxic that stands on a proxy has an effect.", toxics},
	{"raft", "A proxy between nodes carries something.", raft},
}

// patient is what is looked at, and what was learned so far.
type patient struct {
	Config
	report Report
	check  string

	server     *nemesis.Server // nil: it does not answer
	standing   []nemesis.Standing
	advertised []string // addresses that the brokers advertise
}

// Examine makes every check.
func Examine(ctx context.Context, cfg Config) Report {
	if cfg.Limit == 0 {
		cfg.Limit = 2 * time.Second
	}
	p := &patient{Config: cfg, report: Report{Findings: []Finding{}, Notes: []Note{}}}
	for _, c := range Checks {
		p.check = c.Name
		c.look(ctx, p)
	}
	return p.report
}

// find reports a finding.
func (p *patient) find(found, why, mend string) {
	p.report.Findings = append(p.report.Findings, Finding{p.check, found, why, mend})
}

// note reports what is as it should be, or cannot be told.
func (p *patient) note(says string) {
	p.report.Notes = append(p.report.Notes, Note{p.check, says})
}

// kafka are the proxies to brokers that stand on the server: those that the
// topology says, or all where there is no topology.
func (p *patient) kafka() []nemesis.Standing {
	return slices.DeleteFunc(slices.Clone(p.standing), func(s nemesis.Standing) bool {
		return p.Topology != nil && !p.carries(s, nemesis.CarriesKafka)
	})
}

// carries tells whether the topology says so of the proxy.
func (p *patient) carries(s nemesis.Standing, what string) bool {
	return p.Topology != nil && slices.ContainsFunc(p.Topology.Proxies, func(t nemesis.Proxy) bool {
		return t.Name == s.Name && t.Carries == what
	})
}
