package histories

import (
	"fmt"
	"strconv"
	"strings"
)

// mops reads the records sent and polled.
func (p *textParser) mops(items []textToken) error {
	if len(items) == 1 && items[0].text == "()" {
		return nil
	}
	part := items
	for first := true; ; first = false {
		rest := []textToken(nil)
		more := false
		for i, w := range part {
			if w.text == "|" {
				part, rest, more = part[:i], part[i+1:], true
				break
			}
		}
		if err := p.part(part, first && !more); err != nil {
			return err
		}
		if !more {
			return nil
		}
		part = rest
	}
}

// part reads one part: sends, or one poll. A transaction's parts say which.
func (p *textParser) part(items []textToken, only bool) error {
	send := p.op.F == Send
	if p.op.F == Txn {
		if len(items) == 0 && only {
			return nil
		}
		if len(items) == 0 || items[0].text != "s" && items[0].text != "p" {
			return fmt.Errorf("want s or p at the beginning of each part of a transaction")
		}
		send = items[0].text == "s"
		items = items[1:]
	}
	if send {
		return p.sends(items)
	}
	return p.poll(items)
}

func (p *textParser) sends(items []textToken) error {
	key := int64(0)
	for _, w := range items {
		p.at = w.at
		if k, ok := textKey(w.text); ok {
			key = k
			continue
		}
		value, offset, err := textRecord(w.text, OffsetUnknown)
		if err != nil {
			return err
		}
		p.op.Mops = append(p.op.Mops, Mop{Send: true, Key: key, Offset: offset, Value: value})
	}
	return nil
}

func (p *textParser) poll(items []textToken) error {
	o := &p.op
	o.AddPoll()
	m := &o.Mops[len(o.Mops)-1]
	m.Polled = o.Type == OK
	open := false
	for _, w := range items {
		p.at = w.at
		switch k, ok := textKey(w.text); {
		case ok:
			o.AddRun(k)
			open = true
			continue
		case w.text == "-" && len(items) == 1:
			m.Polled = false
			continue
		case w.text == "{}" && len(items) == 1:
			m.Polled = true
			continue
		}
		value, offset, err := textRecord(w.text, OffsetUnknown)
		if err != nil {
			return err
		}
		if !strings.Contains(w.text, "@") {
			return fmt.Errorf("%q: want value@offset, or value@? where it has none", w.text)
		}
		if !open {
			o.AddRun(0)
			open = true
		}
		o.Recs = append(o.Recs, Rec{Offset: offset, Value: value})
		o.Runs[len(o.Runs)-1].To = int32(len(o.Recs))
	}
	return nil
}

// textKey reads k and the number of a log.
func textKey(w string) (int64, bool) {
	if len(w) < 2 || w[0] != 'k' {
		return 0, false
	}
	k, err := strconv.ParseInt(w[1:], 10, 64)
	return k, err == nil
}

// textRecord reads value, value@offset or value@?.
func textRecord(w string, none int64) (value, offset int64, err error) {
	v, at, has := strings.Cut(w, "@")
	offset = none
	value, err = strconv.ParseInt(v, 10, 64)
	if err == nil && has {
		if at == "?" {
			offset = OffsetNil
		} else {
			offset, err = strconv.ParseInt(at, 10, 64)
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%q: want value@offset, value@?, or k and the number of a log", w)
	}
	return value, offset, nil
}

// extra reads what may stand anywhere behind the operation; false where w is
// none of it.
func (p *textParser) extra(w string) (bool, error) {
	o := &p.op
	if strings.HasPrefix(w, `"`) {
		var err error
		o.Error, err = unquote(w)
		return true, err
	}
	if name, ok := strings.CutPrefix(w, "!"); ok {
		t, ok := ParseType(name)
		if !ok || t == Invoke || o.Type == Invoke {
			return true, fmt.Errorf("%q: want !ok, !fail or !info at a completion", w)
		}
		o.Type = t
		return true, nil
	}
	name, v, ok := strings.Cut(w, "=")
	if !ok || o.F.OfNemesis() {
		return false, nil
	}
	switch name {
	case "fetch":
		v, epoch, told := strings.Cut(v, "~")
		pair, hw, ok := strings.Cut(v, "/")
		ko, err := textPair(pair)
		f := Fetched{Key: ko.Key, Position: ko.Offset, HighWatermark: -1, Epoch: -1}
		if err == nil && told {
			f.Epoch, err = strconv.ParseInt(epoch, 10, 64)
		}
		if err == nil && ok {
			f.HighWatermark, err = strconv.ParseInt(hw, 10, 64)
		}
		if err != nil {
			return true, fmt.Errorf("%q: want fetch=log:position/high-watermark~epoch", w)
		}
		o.Fetched = append(o.Fetched, f)
	case "pos":
		ko, err := textPair(v)
		if err != nil || o.F.asksOffsets() {
			return true, fmt.Errorf("%q: want pos=log:offset at an assignment", w)
		}
		o.Offsets = append(o.Offsets, ko)
	case "seek":
		return true, p.seek(v)
	case "bad":
		return true, p.bad(v)
	case "iso", "group", "abort", "by":
		return true, p.transaction(name, v)
	case "keys":
		return true, p.recordKeys(v)
	case "ids", "rebalance":
		return true, p.group(name, v)
	default:
		return true, fmt.Errorf("%q: want fetch= pos= seek= bad= iso= group= abort= by= ids= rebalance= or keys=", w)
	}
	return true, nil
}

func (p *textParser) seek(v string) (err error) {
	back, isBack := strings.CutPrefix(v, "back:")
	switch {
	case v == "beginning":
		p.op.Seek = Seek{To: SeekBeginning}
	case v == "end":
		p.op.Seek = Seek{To: SeekEnd}
	case v == "committed":
		p.op.Seek = Seek{To: SeekCommitted}
	case isBack:
		p.op.Seek.To = SeekBack
		p.op.Seek.Back, err = strconv.ParseInt(back, 10, 64)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil {
		return fmt.Errorf("seek=%s: want beginning, end, committed or back:records", v)
	}
	return nil
}

// transaction reads what concerns transactions.
func (p *textParser) transaction(name, v string) (err error) {
	o := &p.op
	switch name {
	case "iso":
		i, ok := ParseIsolation("read_" + v)
		if !ok {
			return fmt.Errorf("iso=%s: want iso=committed or iso=uncommitted", v)
		}
		o.Isolation = i
	case "group":
		if o.Group, err = unquote(v); err != nil {
			return fmt.Errorf("group=%s: want the name of a consumer group", v)
		}
	case "abort":
		n, err := strconv.ParseInt(v, 10, 31)
		if err != nil || n < 0 || n >= maxEntry {
			return fmt.Errorf("abort=%s: want abort=N, after N micro-operations", v)
		}
		o.Abort = int32(n) + 1
	case "by":
		id, epoch, ok := cutLast(v, ':')
		ko, err := textPair(id)
		if err == nil && ok {
			o.Producer = Producer{Txn: ko.Key, Instance: ko.Offset}
			o.Producer.Epoch, err = strconv.ParseInt(epoch, 10, 64)
		}
		if err != nil || !ok {
			return fmt.Errorf("by=%s: want by=transactional-id:instance:epoch, three numbers", v)
		}
	}
	return nil
}

// cutLast is strings.Cut at the last separator.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// bad reads key:offset:why and perhaps :"detail".
func (p *textParser) bad(v string) error {
	want := fmt.Errorf(`bad=%s: want bad=log:offset:why:"detail"`, v)
	key, rest, _ := strings.Cut(v, ":")
	offset, rest, ok := strings.Cut(rest, ":")
	ko, err := textPair(key + ":" + offset)
	if err != nil || !ok {
		return want
	}
	why, detail := rest, ""
	if strings.HasPrefix(rest, `"`) {
		var c cursor
		c.reset([]byte(rest))
		c.str()
		why, detail = rest[:c.i], rest[c.i:]
	} else if i := strings.IndexByte(rest, ':'); i >= 0 {
		why, detail = rest[:i], rest[i:]
	}
	r := BadRec{Key: ko.Key, Offset: ko.Offset}
	if r.Why, err = unquote(why); err != nil {
		return want
	}
	if r.Detail, err = unquote(strings.TrimPrefix(detail, ":")); err != nil {
		return want
	}
	p.op.Bad = append(p.op.Bad, r)
	return nil
}
