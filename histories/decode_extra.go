package histories

import "bytes"

// extra reads the optional keys.
func (d *decoder) extra(key []byte, o *Op) {
	switch string(key) {
	case "fetched":
		d.field = "fetched"
		d.fetched(o)
	case "bad":
		d.field = "bad"
		d.bad(o)
	case "seek":
		d.field = "seek"
		d.seek(o)
	case "seek-to-beginning?": // Jepsen's assign
		d.field = "seek-to-beginning?"
		if string(d.word()) == "true" {
			o.Seek = Seek{To: SeekBeginning}
		}
	case "isolation", "group", "abort", "producer":
		d.transaction(key, o)
	case "positions":
		d.field = "positions"
		d.seekPositions()
	case "runs":
		d.field = "runs"
		d.runList()
	case "ids":
		d.field = "ids"
		d.ids(o)
	case "record-keys":
		d.field = "record-keys"
		d.recordKeys(o)
	case "rebalance-log":
		d.field = "rebalance-log"
		d.rebalances(o)
	case "error":
		d.field = "error"
		o.Error = d.cause()
	default:
		d.field = "" // of no interest, as long as its end can be found
		d.skip()
	}
}

// fetched reads [[key, position, high watermark, leader epoch], …], the
// epoch where it is known.
func (d *decoder) fetched(o *Op) {
	o.Fetched = o.Fetched[:0]
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		inner := d.list()
		f := Fetched{Key: d.key(), Epoch: -1}
		d.comma()
		f.Position = d.intOr(-1)
		d.comma()
		f.HighWatermark = d.intOr(-1)
		if d.next(inner, 3) { // otherwise it ends here
			f.Epoch = d.intOr(-1)
			d.shut(inner)
		}
		o.Fetched = append(o.Fetched, f)
	}
}

// bad reads [[key, offset, why, detail], …].
func (d *decoder) bad(o *Op) {
	o.Bad = o.Bad[:0]
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		inner := d.list()
		r := BadRec{Key: d.key()}
		d.comma()
		r.Offset = d.intOr(OffsetNil)
		d.comma()
		r.Why = d.strings.string(d.word())
		d.comma()
		r.Detail = d.strings.string(d.word())
		d.shut(inner)
		o.Bad = append(o.Bad, r)
	}
}

// seek reads "beginning", "end" or {"back": records}.
func (d *decoder) seek(o *Op) {
	if d.null() {
		return
	}
	const want = `want beginning, end, committed or back with a number of records`
	at := d.i
	if d.ws(); d.i < len(d.b) && d.b[d.i] == '{' {
		shut := d.open("{")
		for n := 0; d.next(shut, n); n++ {
			if string(d.word()) != "back" {
				d.fail(want)
			}
			if !d.edn {
				d.colon()
			}
			o.Seek = Seek{To: SeekBack, Back: d.int()}
		}
		return
	}
	switch string(d.word()) {
	case "beginning":
		o.Seek = Seek{To: SeekBeginning}
	case "end":
		o.Seek = Seek{To: SeekEnd}
	case "committed":
		o.Seek = Seek{To: SeekCommitted}
	default:
		d.i = at
		d.fail(want)
	}
}

// transaction reads a key that concerns transactions.
func (d *decoder) transaction(key []byte, o *Op) {
	switch string(key) {
	case "isolation":
		d.field = "isolation"
		if d.null() {
			return
		}
		at := d.i
		i, ok := ParseIsolation(string(d.word()))
		if !ok {
			d.i = at
			d.fail("want read_uncommitted or read_committed")
		}
		o.Isolation = i
	case "group":
		d.field = "group"
		if !d.null() {
			o.Group = d.strings.string(d.word())
		}
	case "abort":
		d.field = "abort"
		if d.null() {
			return
		}
		n := d.int()
		if n < 0 || n >= maxEntry {
			d.fail("want a number of micro-operations")
		}
		o.Abort = int32(n) + 1
	case "producer":
		d.field = "producer"
		if d.null() {
			return
		}
		shut := d.list()
		o.Producer.Txn = d.int()
		d.comma()
		o.Producer.Instance = d.int()
		d.comma()
		o.Producer.Epoch = d.intOr(-1)
		d.shut(shut)
	}
}

// seekPositions reads [[key, offset], …] or a map.
func (d *decoder) seekPositions() {
	d.positions = d.positions[:0]
	if d.null() {
		return
	}
	if d.ws(); d.i < len(d.b) && d.b[d.i] == '{' {
		d.positions = d.offsetMap(d.positions)
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		d.positions = append(d.positions, d.offset())
	}
}

// cause reads an error: a string, a keyword, or any value as its text.
func (d *decoder) cause() string {
	for d.i < len(d.b) && d.b[d.i] == ' ' {
		d.i++
	}
	// A namespaced map is fine here: its text is kept, its keys are not read.
	namespaced := d.edn && bytes.HasPrefix(d.b[d.i:], []byte("#:"))
	if !namespaced && d.null() {
		return ""
	}
	if d.i < len(d.b) && d.b[d.i] == '"' {
		return d.strings.string(d.str())
	}
	at := d.i
	d.skip()
	if d.failed() {
		return ""
	}
	text := d.b[at:d.i]
	if d.edn && len(text) > 1 && text[0] == ':' {
		text = text[1:]
	}
	return d.strings.string(text)
}

// runList reads EDN's [[[key n] …] …]: for each poll the runs it came in.
func (d *decoder) runList() {
	d.runs = d.runs[:0]
	shut := d.list()
	for poll := 0; d.next(shut, poll); poll++ {
		inner := d.list()
		for n := 0; d.next(inner, n); n++ {
			pair := d.list()
			key := d.key()
			d.comma()
			count := d.int()
			d.shut(pair)
			if count < 0 || count > maxEntry {
				d.fail("want a number of records")
				return
			}
			d.runs = append(d.runs, Run{Key: key, From: int32(poll), To: int32(count)})
		}
	}
}

// untangle gives the records of each poll back to the runs they came in.
func (d *decoder) untangle(o *Op) {
	d.field = "runs"
	runs := make([]Run, 0, len(d.runs))
	recs := make([]Rec, 0, len(o.Recs))
	list := d.runs
	poll := int32(0)
	for i := range o.Mops {
		m := &o.Mops[i]
		if m.Send {
			continue
		}
		have := o.Runs[m.From:m.To]
		m.From = int32(len(runs))
		for len(list) > 0 && list[0].From == poll {
			run := Run{Key: list[0].Key, From: int32(len(recs))}
			for left := list[0].To; left > 0; {
				h := runOf(have, run.Key)
				if h == nil {
					d.fail("want runs that have as many records as the polls")
					return
				}
				n := min(left, h.To-h.From)
				recs = append(recs, o.Recs[h.From:h.From+n]...)
				h.From += n
				left -= n
			}
			run.To = int32(len(recs))
			runs = append(runs, run)
			list = list[1:]
		}
		m.To = int32(len(runs))
		m.Polled = m.Polled || m.To > m.From
		poll++
	}
	if len(recs) != len(o.Recs) || len(list) > 0 {
		d.fail("want runs that have as many records as the polls")
		return
	}
	o.Runs, o.Recs = runs, recs
}

// runOf returns the first run of the log that has records left.
func runOf(runs []Run, key int64) *Run {
	for i := range runs {
		if runs[i].Key == key && runs[i].From < runs[i].To {
			return &runs[i]
		}
	}
	return nil
}
