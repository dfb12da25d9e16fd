package nemesis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxPlan bounds the size of a plan file.
const maxPlan = 8 << 20

// eventFields are the fields of an event, in the order they are written.
var eventFields = []string{"id", "at", "for", "fault", "on", "direction", "args"}

// ParsePlan reads a plan: a JSON array of events, as Encode writes it. Times
// are durations like "1.5s", or whole nanoseconds. An event without an id has
// its position as id. nodes are those that events may be on; nil where the
// cluster is not known yet. What is wrong is named with its place and what is
// allowed; values outside the realistic ranges are allowed, see Unusual.
func ParsePlan(name string, b []byte, nodes []string) (Plan, error) {
	p := &planParser{name: name, src: b, nodes: nodes, ids: map[int]bool{}}
	if len(b) > maxPlan {
		return nil, fmt.Errorf("%s: %d bytes: a plan has at most %d", name, len(b), maxPlan)
	}
	p.dec = json.NewDecoder(bytes.NewReader(b))
	if t, err := p.dec.Token(); err != nil || t != json.Delim('[') {
		return nil, p.at(0, "a plan is a JSON array of events", err)
	}
	for p.dec.More() {
		if len(p.plan) == maxEvents {
			return nil, p.at(p.dec.InputOffset(), fmt.Sprintf("more than %d events", maxEvents), nil)
		}
		if err := p.event(); err != nil {
			return nil, err
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return nil, p.at(int64(len(b)), "the array of events does not end", err)
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.at(p.dec.InputOffset(), "something follows the array of events", nil)
	}
	return p.plan, p.overlaps()
}

type planParser struct {
	name  string
	src   []byte
	nodes []string
	dec   *json.Decoder
	plan  Plan
	begun []int64 // where each event begins
	ids   map[int]bool
}

// at makes an error with its line.
func (p *planParser) at(offset int64, what string, err error) error {
	offset = min(offset, int64(len(p.src)))
	line := 1 + bytes.Count(p.src[:offset], []byte("\n"))
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file ends too early")
		}
		return fmt.Errorf("%s:%d: %s: %w", p.name, line, what, err)
	}
	return fmt.Errorf("%s:%d: %s", p.name, line, what)
}

// start skips to where the next value begins.
func (p *planParser) start() int64 {
	o := p.dec.InputOffset()
	for o < int64(len(p.src)) && strings.IndexByte(" \t\r\n,:", p.src[o]) >= 0 {
		o++
	}
	return o
}

// event reads and judges one event.
func (p *planParser) event() error {
	begin := p.start()
	n := len(p.plan)
	where := func(field string) string { return fmt.Sprintf("event %d, %s", n, field) }
	if t, err := p.dec.Token(); err != nil || t != json.Delim('{') {
		return p.at(begin, fmt.Sprintf("event %d: an event is a JSON object", n), err)
	}
	e := Event{ID: n}
	seen := map[string]int64{}
	for p.dec.More() {
		o := p.start()
		t, err := p.dec.Token()
		if err != nil {
			return p.at(o, fmt.Sprintf("event %d", n), err)
		}
		field, _ := t.(string)
		if !slices.Contains(eventFields, field) {
			return p.at(o, fmt.Sprintf("event %d", n), unknown(field, eventFields, "an event has"))
		}
		if _, twice := seen[field]; twice {
			return p.at(o, where(field), errors.New("it stands there twice"))
		}
		seen[field] = o
		var raw json.RawMessage
		if err := p.dec.Decode(&raw); err != nil {
			return p.at(o, where(field), err)
		}
		if err := e.set(field, raw); err != nil {
			return p.at(o, where(field), err)
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return p.at(int64(len(p.src)), fmt.Sprintf("event %d", n), err)
	}
	for _, field := range []string{"at", "for", "fault", "on"} {
		if _, ok := seen[field]; !ok {
			return p.at(begin, where(field), errors.New("it is missing"))
		}
	}
	if field, err := p.judge(e); err != nil {
		o, ok := seen[field]
		if !ok {
			o = begin
		}
		return p.at(o, where(field), err)
	}
	p.ids[e.ID] = true
	p.plan, p.begun = append(p.plan, e), append(p.begun, begin)
	return nil
}

// set reads the value of a field.
func (e *Event) set(field string, raw json.RawMessage) (err error) {
	if string(raw) == "null" {
		return errors.New("null is no value: leave the field out")
	}
	switch field {
	case "id":
		if json.Unmarshal(raw, &e.ID) != nil || e.ID < 0 {
			err = errors.New("want a whole number from 0")
		}
	case "at":
		e.At, err = duration(raw)
	case "for":
		e.For, err = duration(raw)
	case "fault":
		if json.Unmarshal(raw, &e.Fault) != nil {
			err = errors.New("want the name of a fault")
		}
	case "on":
		if json.Unmarshal(raw, &e.On) != nil {
			err = errors.New(`want a list of nodes, as ["n1"]`)
		}
	case "direction":
		if json.Unmarshal(raw, &e.Direction) != nil {
			err = errors.New("want a word: upstream, downstream, in, out or both, as the fault has it")
		}
	case "args":
		e.Args, err = arguments(raw)
	}
	return err
}

// arguments reads the parameters of a fault; each may stand there once.
func arguments(raw json.RawMessage) (map[string]float64, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New(`want numbers by name, as {"latency_ms":100}`)
	}
	var args map[string]float64
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		if _, twice := args[name]; twice {
			return nil, fmt.Errorf("%s stands there twice", name)
		}
		var v *float64
		if err := dec.Decode(&v); err != nil || v == nil {
			return nil, fmt.Errorf("%s: want a number", name)
		}
		if args == nil {
			args = map[string]float64{}
		}
		args[name] = *v
	}
	return args, nil
}

// duration reads "1.5s", or nanoseconds.
func duration(raw json.RawMessage) (time.Duration, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf(`%q is no duration: want one like "1.5s" or "300ms"`, s)
		}
		return d, nil
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return 0, errors.New(`want a duration like "1.5s", or whole nanoseconds`)
	}
	return time.Duration(n), nil
}

// maxTime bounds when an event begins and how long it is held.
const maxTime = 30 * 24 * time.Hour

// judge says which field of an event is wrong, and why.
func (p *planParser) judge(e Event) (string, error) {
	if p.ids[e.ID] {
		return "id", fmt.Errorf("%d is the id of an earlier event", e.ID)
	}
	if e.At < 0 || e.At > maxTime {
		return "at", fmt.Errorf("%v: allowed are 0s to %v", e.At, maxTime)
	}
	if e.For <= 0 || e.For > maxTime {
		return "for", fmt.Errorf("%v: allowed are more than 0s, up to %v", e.For, maxTime)
	}
	f, ok := FindFault(e.Fault)
	if !ok {
		return "fault", unknown(e.Fault, everyName(), "faults are")
	}
	if len(e.On) == 0 {
		if p.nodes == nil {
			return "on", errors.New(`no nodes: want at least one, as ["n1"]`)
		}
		return "on", fmt.Errorf("no nodes: there are %s", strings.Join(p.nodes, ", "))
	}
	for i, node := range e.On {
		if symbolic(node) {
			if err := checkSymbol(node); err != nil {
				return "on", err
			}
			if node == AtRandom {
				continue // each one is another node
			}
		} else if p.nodes != nil && !slices.Contains(p.nodes, node) {
			return "on", unknown(node, p.nodes, "nodes are")
		}
		if slices.Contains(e.On[:i], node) {
			return "on", fmt.Errorf("%s stands there twice", node)
		}
	}
	return f.check(e)
}
