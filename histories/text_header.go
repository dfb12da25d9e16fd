package histories

import (
	"fmt"
	"strconv"
	"strings"
)

// appendTextHeader writes the header as the line that begins with "header".
func appendTextHeader(b []byte, h *Header) []byte {
	b = append(b, "header"...)
	word := func(name, value string) {
		if value != "" {
			b = append(b, ' ')
			b = append(b, name...)
			b = appendTextName(append(b, '='), value)
		}
	}
	word("tool", h.Tool)
	word("name", h.Name)
	word("run", h.Run)
	if h.Seed != 0 {
		word("seed", strconv.FormatUint(h.Seed, 10))
	}
	word("started", h.Started)
	word("target", h.Target)
	word("workload", h.Workload)
	if h.Workers != 0 {
		word("workers", strconv.Itoa(h.Workers))
	}
	if h.Tailed {
		b = append(b, " tailed"...)
	}
	if h.FinalReads {
		b = append(b, " final-reads"...)
	}
	for _, cl := range clauses {
		if v, ok := cl.text(&h.Contract); ok {
			word(cl.name, v)
		}
	}
	for _, l := range h.Logs {
		b = append(b, " log="...)
		b = append(appendInt(b, l.Key), ':')
		b = append(appendTextName(b, l.Topic), '/')
		b = appendInt(b, int64(l.Partition))
		b = appendTextLogWords(b, &l)
	}
	for _, g := range h.Groups {
		b = append(b, " group="...)
		b = appendTextName(b, g.Name)
		for _, word := range []string{g.Protocol, g.Commits, g.Reset} {
			b = appendTextName(append(b, ':'), word)
		}
	}
	for i := range h.Expect {
		text, err := marshal(&h.Expect[i])
		if err != nil {
			panic(err) // Validate refuses the numbers that JSON cannot say
		}
		b = appendQuoted(append(b, " expect="...), string(text))
	}
	return append(b, '\n')
}

// parseTextHeader reads the words behind "header".
func parseTextHeader(words []textToken) (h Header, at int, err error) {
	h.Format = FormatVersion
	for _, w := range words {
		if err := h.setWord(w); err != nil {
			return h, w.at, err
		}
	}
	return h, 0, h.Validate()
}

func (h *Header) setWord(w textToken) (err error) {
	name, raw, ok := strings.Cut(w.text, "=")
	if !ok {
		switch name {
		case "added":
			return h.setLogWord(name, "")
		case "tailed":
			h.Tailed = true
		case "final-reads":
			h.FinalReads = true
		default:
			return fmt.Errorf("header: %q: want name=value, tailed, final-reads or added", name)
		}
		return nil
	}
	if name == "log" {
		l, err := parseTextLog(raw)
		h.Logs = append(h.Logs, l)
		return err
	}
	if name == "group" {
		g, err := parseTextGroup(raw)
		h.Groups = append(h.Groups, g)
		return err
	}
	value, err := unquote(raw)
	if err != nil {
		return fmt.Errorf("header: %s: %w", name, err)
	}
	switch name {
	case "life", "log-cleanup", "log-retention", "log-tombstones":
		return h.setLogWord(name, value)
	case "expect":
		var e Expect
		e, err = parseTextExpect(value)
		h.Expect = append(h.Expect, e)
		return err
	case "tool":
		h.Tool = value
	case "name":
		h.Name = value
	case "run":
		h.Run = value
	case "seed":
		h.Seed, err = strconv.ParseUint(value, 10, 64)
	case "started":
		h.Started = value
	case "target":
		h.Target = value
	case "workload":
		h.Workload = value
	case "workers":
		h.Workers, err = strconv.Atoi(value)
	default:
		return h.Contract.set(name, value)
	}
	if err != nil {
		return fmt.Errorf("header: %s=%s: want a number", name, value)
	}
	return nil
}

// parseTextLog reads key:topic/partition.
func parseTextLog(s string) (l Log, err error) {
	key, rest, ok := strings.Cut(s, ":")
	slash := strings.LastIndexByte(rest, '/')
	if ok && slash >= 0 {
		var p int64
		l.Key, err = strconv.ParseInt(key, 10, 64)
		if err == nil {
			p, err = strconv.ParseInt(rest[slash+1:], 10, 32)
			l.Partition = int32(p)
		}
		if err == nil {
			l.Topic, err = unquote(rest[:slash])
		}
		if err == nil {
			return l, nil
		}
	}
	return l, fmt.Errorf("header: log=%s: want log=key:topic/partition", s)
}

// appendTextLogWords writes what else the header says of a log, behind it.
func appendTextLogWords(b []byte, l *Log) []byte {
	if l.Life != 0 {
		b = appendInt(append(b, " life="...), l.Life)
	}
	if l.Added {
		b = append(b, " added"...)
	}
	for _, w := range [...]struct{ name, value string }{{" log-cleanup=", l.Cleanup}, {" log-retention=", l.Retention}, {" log-tombstones=", l.Tombstones}} {
		if w.value != "" {
			b = appendTextName(append(b, w.name...), w.value)
		}
	}
	return b
}

// setLogWord takes a word about the log that stands before it.
func (h *Header) setLogWord(name, value string) (err error) {
	if len(h.Logs) == 0 {
		return fmt.Errorf("header: %s: want it behind the log=key:topic/partition that it is about", name)
	}
	l := &h.Logs[len(h.Logs)-1]
	switch name {
	case "added":
		l.Added = true
	case "life":
		if l.Life, err = strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Errorf("header: life=%s: want a number", value)
		}
	case "log-cleanup":
		l.Cleanup = value
	case "log-retention":
		l.Retention = value
	case "log-tombstones":
		l.Tombstones = value
	}
	return nil
}
