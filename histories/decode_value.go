package histories

import "bytes"

// value reads the entry's value, as its f demands.
func (d *decoder) value(o *Op) {
	d.valueAt = -1
	o.Mops, o.Runs, o.Recs = o.Mops[:0], o.Runs[:0], o.Recs[:0]
	o.Keys, o.Offsets, o.Event = o.Keys[:0], o.Offsets[:0], nil
	switch {
	case o.F.hasMops():
		d.mops(o)
	case o.F == Debug:
		d.debug(o)
	case o.F.hasKeys():
		d.keysOrOffsets(o)
	case o.F.OfNemesis():
		d.event(o)
	default:
		d.skip()
	}
}

// mops reads a list of micro-operations.
func (d *decoder) mops(o *Op) {
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		inner := d.list()
		at := d.i
		switch w := d.word(); string(w) {
		case "send":
			if o.F == Poll {
				d.i = at
				d.fail("want only polls in a poll: an operation of both is a txn")
			}
			d.comma()
			d.send(o)
		case "poll":
			if o.F == Send {
				d.i = at
				d.fail("want only sends in a send: an operation of both is a txn")
			}
			d.poll(o, inner)
		default:
			d.i = at
			d.fail("want a micro-operation, send or poll")
		}
		d.shut(inner)
	}
}

// send reads the rest of ["send", key, result], the result being value or
// [offset, value] or [null, value].
func (d *decoder) send(o *Op) {
	m := Mop{Send: true, Offset: OffsetUnknown, Key: d.key()}
	d.comma()
	d.ws()
	if d.i < len(d.b) && (d.b[d.i] == '[' || d.edn && d.b[d.i] == '(') {
		shut := d.list()
		if m.Offset = d.intOr(OffsetNil); m.Offset == OffsetUnknown {
			m.Offset = OffsetNil // what a broker says that knows no offset
		}
		d.comma()
		m.Value = d.int()
		d.shut(shut)
	} else {
		m.Value = d.int()
	}
	o.Mops = append(o.Mops, m)
}

// poll reads the rest of ["poll", result]: nothing or null where it never
// returned, else a list or a map of logs to their records.
func (d *decoder) poll(o *Op, shut byte) {
	from := int32(len(o.Runs))
	m := Mop{From: from, To: from}
	if d.ws(); d.i < len(d.b) && d.b[d.i] != shut {
		if d.comma(); !d.null() {
			m.Polled = true
			d.polled(o)
		}
	}
	m.To = int32(len(o.Runs))
	o.Mops = append(o.Mops, m)
}

func (d *decoder) polled(o *Op) {
	d.ws()
	isMap := d.i < len(d.b) && d.b[d.i] == '{'
	var shut byte
	if isMap {
		shut = d.open("{")
	} else {
		shut = d.list()
	}
	for n := 0; d.next(shut, n); n++ {
		var inner byte
		if !isMap {
			inner = d.list()
		}
		run := Run{Key: d.key(), From: int32(len(o.Recs))}
		if isMap && !d.edn {
			d.colon()
		} else {
			d.comma()
		}
		d.recs(o)
		run.To = int32(len(o.Recs))
		o.Runs = append(o.Runs, run)
		if !isMap {
			d.shut(inner)
		}
	}
}

// recs reads a list of [offset, value].
func (d *decoder) recs(o *Op) {
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		r, at, ok := plainRec(d.b, d.i, d.sep)
		if ok {
			d.i = at
		} else {
			r = d.rec()
		}
		o.Recs = append(o.Recs, r)
	}
}

// rec reads one [offset, value] in any spelling.
func (d *decoder) rec() (r Rec) {
	shut := d.list()
	r.Offset = d.intOr(OffsetNil)
	d.comma()
	r.Value = d.intOr(NoValue)
	d.shut(shut)
	return r
}

// key reads a log: a number, or a name that stands for one.
func (d *decoder) key() int64 {
	if d.i < len(d.b) && d.b[d.i]-'0' <= 9 {
		return d.int()
	}
	d.ws()
	if d.i < len(d.b) && (d.b[d.i]-'0' <= 9 || d.b[d.i] == '-') {
		return d.int()
	}
	at := d.i
	k, err := d.names.number(d.word())
	if err != nil {
		d.i = at
		d.fail(err.Error())
	}
	return k
}

// keysOrOffsets reads [k, …] or [[k, offset], …], in EDN {k offset, …} too.
func (d *decoder) keysOrOffsets(o *Op) {
	if d.null() {
		return
	}
	d.ws()
	if d.i < len(d.b) && d.b[d.i] == '{' && o.F.asksOffsets() {
		o.Offsets = d.offsetMap(o.Offsets)
		for _, ko := range o.Offsets {
			o.Keys = append(o.Keys, ko.Key)
		}
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		d.ws()
		if d.i < len(d.b) && (d.b[d.i] == '[' || d.edn && d.b[d.i] == '(') && o.F.asksOffsets() {
			if len(o.Offsets) < len(o.Keys) {
				d.fail("want logs, or logs with their offsets, and not both")
			}
			o.Offsets = append(o.Offsets, d.offset())
			o.Keys = append(o.Keys, o.Offsets[len(o.Offsets)-1].Key)
			continue
		}
		if len(o.Offsets) > 0 && o.F.asksOffsets() {
			d.fail("want logs, or logs with their offsets, and not both")
		}
		o.Keys = append(o.Keys, d.key())
	}
}

// offset reads one [key, offset].
func (d *decoder) offset() KeyOffset {
	shut := d.list()
	ko := KeyOffset{Key: d.key()}
	d.comma()
	ko.Offset = d.intOr(-1)
	d.shut(shut)
	return ko
}

// offsetMap reads {key offset, …}.
func (d *decoder) offsetMap(into []KeyOffset) []KeyOffset {
	shut := d.open("{")
	for n := 0; d.next(shut, n); n++ {
		ko := KeyOffset{Key: d.key()}
		if !d.edn {
			d.colon()
		}
		ko.Offset = d.intOr(-1)
		into = append(into, ko)
	}
	return into
}

// debug reads the value of a debug-topic-partitions operation: ours, or
// anything at all, which nobody needs.
func (d *decoder) debug(o *Op) {
	at := d.i
	d.skip()
	if d.failed() {
		return
	}
	end, whole := d.i, d.b
	d.i = at
	if d.edn && bytes.Contains(whole[at:end], []byte(":ackproof/f")) {
		d.ours(o)
		return
	}
	d.b = whole[:end]
	if d.ws(); d.i < end && d.b[d.i] == '[' {
		d.keysOrOffsets(o)
	}
	if d.failed() || d.i != end {
		o.Keys = o.Keys[:0]
		d.msg = ""
	}
	d.b, d.i = whole, end
}

// ours reads {:ackproof/f :end-offsets, :keys […]} or, once answered, :offsets;
// so too every other operation that Jepsen's workload does not know.
func (d *decoder) ours(o *Op) {
	shut := d.open("{")
	for n := 0; d.next(shut, n); n++ {
		switch string(d.word()) {
		case "ackproof/f":
			if f := fNamed(d.word()); f.hidden() {
				o.F, o.Name = f, ""
			} else {
				d.fail("want end-offsets, start-offsets, stable-offsets, fence or another operation of ours")
			}
		case "keys", "offsets":
			o.Keys, o.Offsets = o.Keys[:0], o.Offsets[:0]
			d.keysOrOffsets(o)
		default:
			d.skip()
		}
	}
}

// event reads what a nemesis entry holds. Another program's entry is counted
// as ignored, whatever it holds.
func (d *decoder) event(o *Op) {
	at := d.i
	d.skip()
	if d.failed() {
		return
	}
	value := d.b[at:d.i]
	if d.edn {
		var c cursor
		c.edn = true
		c.reset(value)
		if value = appendJSONOf(nil, &c, 0); c.failed() {
			value = nil
		}
	}
	if o.Event = decodeEvent(value); o.Event == nil {
		d.toOther(o)
	}
}
