package histories

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// textToken is a word of a line and where it begins.
type textToken struct {
	text string
	at   int
}

// textTokens splits a line at white space, but not within quotes or within the
// JSON that ends a line. A word that begins with '#' begins a comment.
func textTokens(line string) ([]textToken, error) {
	var out []textToken
	for i := 0; i < len(line); {
		if c := line[i]; c == ' ' || c == '\t' || c == '\r' {
			i++
			continue
		}
		if line[i] == '#' {
			break
		}
		if line[i] == '{' && strings.TrimSpace(line[i:]) != "{}" && !strings.HasPrefix(line[i:], "{} ") {
			out = append(out, textToken{strings.TrimSpace(line[i:]), i})
			break
		}
		start := i
		for quoted := false; i < len(line); i++ {
			c := line[i]
			if quoted && c == '\\' {
				i++
				continue
			}
			if c == '"' {
				quoted = !quoted
			}
			if !quoted && (c == ' ' || c == '\t' || c == '\r') {
				break
			}
			if i == len(line)-1 && quoted {
				return nil, fmt.Errorf("byte %d: want a closing quote", start)
			}
		}
		i = min(i, len(line))
		out = append(out, textToken{line[start:i], start})
	}
	return out, nil
}

// unquote returns a string literal's text; a bare word is its own.
func unquote(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	var c cursor
	c.reset([]byte(s))
	t := strings.ToValidUTF8(string(c.str()), "\uFFFD")
	if c.failed() || c.i != len(s) {
		return "", fmt.Errorf("%s: want a string literal", s)
	}
	return t, nil
}

// textParser reads one line of the notation into one or two entries.
type textParser struct {
	at   int // where the word being read begins
	last Op  // index and time of the entry before
	any  bool

	inv, op Op
}

// parse reads the words of a line that is neither blank nor the header. both
// says that the line stands for an invocation, p.inv, and its completion, p.op;
// else p.op is the entry.
func (p *textParser) parse(words []textToken) (both bool, err error) {
	o := &p.op
	o.Reset()
	o.Index, o.Time = p.last.Index+1, p.last.Time+1
	if !p.any {
		o.Index, o.Time = 0, 0
	}
	var end time.Duration = -1
	if words, end, err = p.place(words); err != nil {
		return false, err
	}
	if words, both, err = p.who(words); err != nil {
		return false, err
	}
	if err := p.what(words, both); err != nil {
		return false, err
	}
	if both {
		invocationOf(o, &p.inv)
		p.inv.Index, p.inv.Time = o.Index, o.Time
		o.Index++
		o.Time++
		if end >= 0 {
			o.Time = end
		}
	} else if end >= 0 {
		return false, fmt.Errorf("t=: two times are for a line with an invocation and its completion")
	}
	p.any = true
	p.last.Index, p.last.Time = o.Index, o.Time
	return both, nil
}

// place reads i= and t=.
func (p *textParser) place(words []textToken) ([]textToken, time.Duration, error) {
	end := time.Duration(-1)
	for len(words) > 0 {
		p.at = words[0].at
		w := words[0].text
		if v, ok := strings.CutPrefix(w, "i="); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 0 {
				return nil, end, fmt.Errorf("%s: want i=index, 0 or more", w)
			}
			p.op.Index = n
		} else if v, ok := strings.CutPrefix(w, "t="); ok {
			from, to, two := strings.Cut(v, "..")
			n, err := strconv.ParseInt(from, 10, 64)
			p.op.Time = time.Duration(n)
			if err == nil && two {
				n, err = strconv.ParseInt(to, 10, 64)
				end = time.Duration(n)
			}
			if err != nil || n < 0 || p.op.Time < 0 {
				return nil, end, fmt.Errorf("%s: want t=time or t=call..return in nanoseconds", w)
			}
		} else {
			break
		}
		words = words[1:]
	}
	return words, end, nil
}

// who reads the process, and > or < where the line is but half an operation.
func (p *textParser) who(words []textToken) (rest []textToken, both bool, err error) {
	if len(words) == 0 {
		return nil, false, fmt.Errorf("want a process, p and its number, or nemesis")
	}
	o := &p.op
	p.at = words[0].at
	switch w := words[0].text; {
	case w == "nemesis":
		o.Process, o.Type = Nemesis, Info
	case isProcess(w):
		o.Process, _ = strconv.ParseInt(w[1:], 10, 64)
		o.Type, both = OK, true
	default:
		return nil, false, fmt.Errorf("%q: want a process, p and its number, or nemesis", w)
	}
	words = words[1:]
	if len(words) > 0 && (words[0].text == ">" || words[0].text == "<") {
		if both = false; words[0].text == ">" {
			o.Type = Invoke
		}
		words = words[1:]
	}
	return words, both, nil
}

// what reads the operation's word and everything that follows.
func (p *textParser) what(words []textToken, both bool) error {
	o := &p.op
	if len(words) == 0 {
		return fmt.Errorf("want an operation: s p t a u c e b d l f commit committed create delete grow trim epochs, or one of the nemesis")
	}
	p.at = words[0].at
	w := words[0].text
	words = words[1:]
	if name, ok := strings.CutPrefix(w, "other="); ok {
		var err error
		if o.Name, err = unquote(name); err != nil {
			return err
		}
	} else if o.F = textF(w); o.F == Other || o.F.OfNemesis() != (o.Process == Nemesis) {
		return fmt.Errorf("%q: want an operation: s p t a u c e b d l f commit committed create delete grow trim epochs for clients, phase inject bite heal healed note state sample whole for the nemesis, or other=\"name\"", w)
	}
	if o.F == Crash && o.Type == OK {
		o.Type = Info
	}
	var items []textToken
	for _, w := range words {
		p.at = w.at
		taken, err := p.extra(w.text)
		if err != nil {
			return err
		}
		if !taken {
			items = append(items, w)
		}
	}
	switch {
	case o.F.OfNemesis():
		var err error
		var at int
		if o.Event, at, err = parseTextEvent(items); err != nil {
			p.at = at
		}
		return err
	case o.F.hasMops():
		return p.mops(items)
	default:
		return p.keys(items, both)
	}
}

func textF(word string) F {
	for _, w := range textWords {
		if w.word == word {
			return w.f
		}
	}
	return fNamed([]byte(word))
}

// keys reads logs, or logs with their offsets.
func (p *textParser) keys(items []textToken, both bool) error {
	o := &p.op
	for _, w := range items {
		p.at = w.at
		if o.F.asksOffsets() && strings.Contains(w.text, ":") {
			ko, err := textPair(w.text)
			if err != nil {
				return err
			}
			o.Offsets = append(o.Offsets, ko)
			o.Keys = append(o.Keys, ko.Key)
			continue
		}
		k, err := strconv.ParseInt(w.text, 10, 64)
		if err != nil || !o.F.hasKeys() {
			return fmt.Errorf("%q: want the number of a log, or what follows an operation: !fail seek= pos= \"error\"", w.text)
		}
		o.Keys = append(o.Keys, k)
	}
	if n := len(o.Offsets); n > 0 && n < len(o.Keys) && o.F.asksOffsets() {
		return fmt.Errorf("want logs, or logs with their offsets, and not both")
	}
	return nil
}

// textPair reads key:offset.
func textPair(s string) (ko KeyOffset, err error) {
	k, n, _ := strings.Cut(s, ":")
	if ko.Key, err = strconv.ParseInt(k, 10, 64); err == nil {
		ko.Offset, err = strconv.ParseInt(n, 10, 64)
	}
	if err != nil {
		return ko, fmt.Errorf("%q: want log:offset", s)
	}
	return ko, nil
}
