package histories

import (
	"fmt"
	"strconv"
	"strings"
)

// Group is a consumer group of the run.
type Group struct {
	Name string `json:"name"`
	// Protocol is classic (KIP-62), or consumer for the one in which the broker
	// assigns (KIP-848).
	Protocol string `json:"protocol,omitempty"`
	// Commits says who commits: operations, each with an id of its own, or auto,
	// the consumer by itself, of which the history knows nothing.
	Commits string `json:"commits,omitempty"`
	// Reset is where a log without a committed offset begins: earliest or latest.
	Reset string `json:"reset,omitempty"`
}

// Words of Group.
const (
	ProtocolClassic  = "classic"
	ProtocolConsumer = "consumer"
	CommitsByOp      = "operations"
	CommitsAuto      = "auto"
	ResetEarliest    = "earliest"
	ResetLatest      = "latest"
)

// validateGroups says what is wrong with a group and what is allowed.
func (h *Header) validateGroups() error {
	names := map[string]bool{}
	for _, g := range h.Groups {
		if g.Name == "" || names[g.Name] {
			return fmt.Errorf("header: groups: %q: want each group once, by its name", g.Name)
		}
		names[g.Name] = true
		for _, w := range []struct {
			field, value string
			allowed      [2]string
		}{
			{"protocol", g.Protocol, [2]string{ProtocolClassic, ProtocolConsumer}},
			{"commits", g.Commits, [2]string{CommitsByOp, CommitsAuto}},
			{"reset", g.Reset, [2]string{ResetEarliest, ResetLatest}},
		} {
			if w.value != "" && w.value != w.allowed[0] && w.value != w.allowed[1] {
				return fmt.Errorf("header: groups: %s: %s is %q: want %s or %s", g.Name, w.field, w.value, w.allowed[0], w.allowed[1])
			}
		}
	}
	return nil
}

// parseTextGroup reads name:protocol:commits:reset, the words being optional.
func parseTextGroup(v string) (g Group, err error) {
	words := make([]string, 0, 4)
	for rest := v; len(words) < 4; {
		word := rest
		if strings.HasPrefix(rest, `"`) {
			var c cursor
			c.reset([]byte(rest))
			c.str()
			word, rest = rest[:c.i], strings.TrimPrefix(rest[c.i:], ":")
		} else {
			word, rest, _ = strings.Cut(rest, ":")
		}
		if word, err = unquote(word); err != nil {
			return g, fmt.Errorf("header: group=%s: want group=name:protocol:commits:reset", v)
		}
		words = append(words, word)
	}
	return Group{words[0], words[1], words[2], words[3]}, nil
}

// appendJSONGroup writes the optional keys of groups.
func appendJSONGroup(b []byte, o *Op) []byte {
	if len(o.IDs) > 0 {
		b = append(b, `,"ids":`...)
		b = appendList(b, o.IDs, ',')
	}
	if len(o.Rebalances) > 0 {
		b = append(b, `,"rebalance-log":[`...)
		for i, r := range o.Rebalances {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"type":`...)
			b = appendQuoted(b, r.What)
			b = append(b, `,"keys":`...)
			b = appendList(b, r.Keys, ',')
			b = append(b, `,"generation":`...)
			b = append(appendInt(b, r.Generation), '}')
		}
		b = append(b, ']')
	}
	return b
}

// appendEDNGroup writes them as EDN; :rebalance-log is Jepsen's own.
func appendEDNGroup(b []byte, o *Op) []byte {
	if len(o.IDs) > 0 {
		b = append(b, `, :ids `...)
		b = appendList(b, o.IDs, ' ')
	}
	if len(o.Rebalances) > 0 {
		b = append(b, `, :rebalance-log [`...)
		for i, r := range o.Rebalances {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, `{:type `...)
			b = appendKeyword(b, r.What)
			b = append(b, `, :keys `...)
			b = appendList(b, r.Keys, ' ')
			b = append(b, `, :generation `...)
			b = append(appendInt(b, r.Generation), '}')
		}
		b = append(b, ']')
	}
	return b
}

// appendTextGroup writes ids=7,8 rebalance=assigned:3:0,1.
func appendTextGroup(b []byte, o *Op) []byte {
	if len(o.IDs) > 0 {
		b = append(b, " ids="...)
		b = appendCommas(b, o.IDs)
	}
	for _, r := range o.Rebalances {
		b = append(b, " rebalance="...)
		b = append(appendTextName(b, r.What), ':')
		b = append(appendInt(b, r.Generation), ':')
		b = appendCommas(b, r.Keys)
	}
	return b
}

func appendList(b []byte, list []int64, sep byte) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, sep)
		}
		b = appendInt(b, n)
	}
	return append(b, ']')
}

func appendCommas(b []byte, list []int64) []byte {
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(b, n)
	}
	return b
}

// group reads what appendTextGroup writes.
func (p *textParser) group(name, v string) (err error) {
	if name == "ids" {
		p.op.IDs, err = textInts(p.op.IDs, v)
	} else {
		err = p.rebalance(v)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: want ids=id,… or rebalance=assigned:generation:log,…", name, v)
	}
	return nil
}

func (p *textParser) rebalance(v string) (err error) {
	what, rest, _ := strings.Cut(v, ":")
	if strings.HasPrefix(v, `"`) {
		var c cursor
		c.reset([]byte(v))
		c.str()
		what, rest = v[:c.i], strings.TrimPrefix(v[c.i:], ":")
	}
	generation, keys, ok := strings.Cut(rest, ":")
	if !ok {
		return strconv.ErrSyntax
	}
	var r Rebalance
	if r.What, err = unquote(what); err != nil {
		return err
	}
	if r.Generation, err = strconv.ParseInt(generation, 10, 64); err != nil {
		return err
	}
	if r.Keys, err = textInts(nil, keys); err != nil {
		return err
	}
	p.op.Rebalances = append(p.op.Rebalances, r)
	return nil
}

func textInts(into []int64, v string) ([]int64, error) {
	if v == "" {
		return into, nil
	}
	for s := range strings.SplitSeq(v, ",") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return into, err
		}
		into = append(into, n)
	}
	return into, nil
}

// ids reads [id, …].
func (d *decoder) ids(o *Op) {
	o.IDs = o.IDs[:0]
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		o.IDs = append(o.IDs, d.intOr(-1))
	}
}

// rebalances reads [{"type": …, "keys": […], "generation": n}, …]. Jepsen's has
// no generation.
func (d *decoder) rebalances(o *Op) {
	o.Rebalances = o.Rebalances[:0]
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		o.Rebalances = append(o.Rebalances, d.rebalance())
	}
}

func (d *decoder) rebalance() Rebalance {
	r := Rebalance{Generation: -1}
	shut := d.open("{")
	for n := 0; d.next(shut, n); n++ {
		key := string(d.word())
		if !d.edn {
			d.colon()
		}
		switch key {
		case "type":
			r.What = d.strings.string(d.word())
		case "generation":
			r.Generation = d.intOr(-1)
		case "keys":
			if d.null() {
				continue
			}
			list := d.list()
			for k := 0; d.next(list, k); k++ {
				r.Keys = append(r.Keys, d.key())
			}
		default:
			d.skip()
		}
	}
	return r
}
