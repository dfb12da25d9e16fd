package histories

import (
	"bytes"
	"time"
)

// decoder reads entries, of JSON Lines or of EDN: the two share their grammar,
// the cursor knows how each writes it. Keys may come in any order; those that
// are not known are passed over.
type decoder struct {
	cursor
	strings interner
	names   keyNames

	field   string // the key being read, for the message
	f       F      // as named; the process decides what it means
	fName   string
	valueAt int   // where a value stands that came before its f; -1: nowhere
	runs    []Run // EDN's :runs: From is the poll's number, To the number of records
	// positions wait for the f, which says whether they have a meaning.
	positions []KeyOffset
	seen      [6]bool // which of the keys below were there
}

// The keys that say what an entry is; each may stand once.
const (
	seenIndex = iota
	seenTime
	seenProcess
	seenType
	seenF
	seenValue
)

// decode reads the entry that b begins with. Index and Time are -1 where the
// entry has none. It returns false on failure, which the cursor describes.
func (d *decoder) decode(b []byte, o *Op) bool {
	o.Reset()
	o.Index, o.Time = -1, -1
	d.reset(b)
	d.field, d.f, d.fName, d.valueAt, d.runs = "", Other, "", -1, d.runs[:0]
	d.positions = d.positions[:0]
	d.seen = [6]bool{}
	if !d.eat('{') {
		d.fail("want an entry, which is " + d.entryLooks())
		return false
	}
	for n := 0; d.next('}', n); n++ {
		key := d.word()
		if !d.edn {
			d.colon()
		}
		d.read(key, o)
	}
	if !d.failed() {
		d.finish(o)
	}
	return !d.failed()
}

func (d *decoder) entryLooks() string {
	if d.edn {
		return "a map {:index 0, …}"
	}
	return `an object {"index":0,…} on a line of its own`
}

func (d *decoder) colon() {
	if !d.eat(':') {
		d.fail("want a colon")
	}
}

// read reads the value of one key.
func (d *decoder) read(key []byte, o *Op) {
	switch string(key) {
	case "index":
		d.once("index", seenIndex)
		o.Index = d.intOr(-1)
	case "time":
		d.once("time", seenTime)
		o.Time = time.Duration(d.intOr(-1))
	case "process":
		d.once("process", seenProcess)
		d.process(o)
	case "type":
		d.once("type", seenType)
		at := d.i
		t, ok := typeNamed(local(d.word()))
		if !ok {
			d.i = at
			d.fail("want invoke, ok, fail or info")
		}
		o.Type = t
	case "f":
		d.once("f", seenF)
		d.function()
	case "value":
		d.once("value", seenValue)
		if d.seen[seenF] && d.seen[seenProcess] {
			d.settle(o)
			d.value(o)
		} else {
			d.valueAt = d.i
			d.skip()
		}
	default:
		d.extra(key, o)
	}
}

// once notes the key that is being read.
func (d *decoder) once(field string, key int) {
	d.field = field
	if d.seen[key] {
		d.fail("this key stands twice in the entry")
	}
	d.seen[key] = true
}

// process reads who did it. Whoever has a name instead of a number is the nemesis.
func (d *decoder) process(o *Op) {
	d.ws()
	if d.i < len(d.b) && (d.b[d.i]-'0' <= 9 || d.b[d.i] == '-') {
		if o.Process = d.int(); o.Process < 0 {
			d.fail(`want a process, 0 or more, or the name "nemesis"`)
		}
		return
	}
	d.word()
	o.Process = Nemesis
}

// function reads what the operation does.
func (d *decoder) function() {
	d.f, d.fName = Other, ""
	if d.null() {
		return
	}
	w := d.word()
	if d.f = fNamed(w); d.f == Other {
		d.fName = d.strings.string(w)
		d.f = fNamed(local(w))
	}
}

// local returns a name without its namespace.
func local(name []byte) []byte {
	if i := bytes.LastIndexByte(name, '/'); i > 0 && i+1 < len(name) {
		return name[i+1:]
	}
	return name
}

// settle decides what f means in the hands of the process: the nemesis has
// operations of its own, whatever clients call theirs.
func (d *decoder) settle(o *Op) {
	o.F = d.f
	if o.F == Other || o.F.OfNemesis() == (o.Process == Nemesis) {
		o.Name = ""
		if o.F == Other {
			o.Name = d.fName
		}
		return
	}
	d.toOther(o)
}

// toOther makes the entry one that is counted as ignored.
func (d *decoder) toOther(o *Op) {
	o.F, o.Name = Other, d.fName
	if o.Name == "" {
		o.Name = d.f.String()
	}
}

// finish checks what an entry must have and reads a value that came too early.
func (d *decoder) finish(o *Op) {
	end := d.i
	d.field = ""
	if !d.seen[seenType] {
		d.fail("the entry has no type: want invoke, ok, fail or info")
		return
	}
	if !d.seen[seenProcess] {
		d.fail(`the entry has no process: want a number or "nemesis"`)
		return
	}
	if d.valueAt < 0 {
		if o.F == Other {
			d.settle(o)
			if o.F.OfNemesis() && o.Event == nil {
				d.toOther(o)
			}
		}
	} else {
		d.settle(o)
		d.i, d.field = d.valueAt, "value"
		d.value(o)
	}
	if o.F.OfNemesis() { // these have no meaning there
		o.Fetched, o.Bad, o.Seek, d.positions = o.Fetched[:0], o.Bad[:0], Seek{}, d.positions[:0]
	}
	if len(d.positions) > 0 && !o.F.asksOffsets() {
		o.Offsets = append(o.Offsets[:0], d.positions...)
	}
	if len(d.runs) > 0 && !d.failed() && o.F.hasMops() {
		d.untangle(o)
	}
	if !d.failed() {
		d.i = end
	}
}
