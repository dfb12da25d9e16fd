package histories

import "bytes"

// openJSON reads JSON Lines.
func openJSON(src *source) Reader {
	r := &jsonReader{entries: entries{src: src}}
	r.readHeader()
	return r
}

type jsonReader struct {
	entries
	dec decoder
}

// entries is what the readers of all formats have in common.
type entries struct {
	src     *source
	op      Op
	head    Header
	hasHead bool
	count   int64 // entries read
	any     bool  // something stood in the text
	last    Op    // index and time of the last entry
	err     error // sticks
}

func (r *entries) Header() (Header, bool) { return r.head, r.hasHead }
func (r *entries) Close() error           { return nil }

// stop makes err the answer of every Next from now on.
func (r *entries) stop(err error) (*Op, error) {
	r.err = err
	return nil, err
}

// finish tells how the text ended.
func (r *entries) finish() (*Op, error) {
	if !r.any {
		return r.stop(r.src.empty())
	}
	return r.stop(r.src.end())
}

// entry returns op, with the index and the time that foreign entries may lack.
func (r *entries) entry(op *Op) (*Op, error) {
	if op.Index < 0 {
		op.Index = r.last.Index
		if r.count > 0 {
			op.Index++
		}
	}
	if op.Time < 0 {
		op.Time = r.last.Time
	}
	r.last.Index, r.last.Time = op.Index, op.Time
	r.count++
	return op, nil
}

// readHeader takes the first line, where that is a header.
func (r *jsonReader) readHeader() {
	line, whole := r.line()
	if line == nil {
		return
	}
	if !isJSONHeader(line) {
		if !whole && r.src.eof && bytes.HasPrefix([]byte(`{"ackproof":`), line[:min(len(line), 12)]) && len(line) > 2 {
			r.err = r.src.torn(-len(line))
			return
		}
		r.unread(line, whole)
		return
	}
	h, err := parseHeader(line)
	if err != nil {
		e := r.src.failure(-r.span(line, whole), err.Field, err.Msg)
		if e.Torn = err.Torn && !whole; e.Torn {
			e.Msg = "the file ends in the middle of its header"
		}
		r.err = e
		return
	}
	r.head, r.hasHead = h, true
}

// line returns the next line that is not blank.
func (r *entries) line() (line []byte, whole bool) {
	for {
		line, whole = r.src.line()
		if line == nil || len(bytes.TrimSpace(line)) > 0 {
			r.any = r.any || line != nil
			return line, whole
		}
	}
}

// span is the number of bytes that line took in the text.
func (r *entries) span(line []byte, whole bool) int {
	if whole {
		return len(line) + 1
	}
	return len(line)
}

// unread gives a line back that was just taken.
func (r *entries) unread(line []byte, whole bool) { r.src.lo -= r.span(line, whole) }

// Next implements Reader.
func (r *jsonReader) Next() (*Op, error) {
	if r.err != nil {
		return nil, r.err
	}
	line, whole := r.line()
	if line == nil {
		return r.finish()
	}
	if plainJSON(line, &r.op) {
		return r.entry(&r.op)
	}
	if r.dec.decode(line, &r.op) {
		if r.dec.ws(); r.dec.i == len(line) {
			return r.entry(&r.op)
		}
		r.dec.field = ""
		r.dec.fail("want nothing behind the entry: one entry a line")
	}
	start := -r.span(line, whole)
	if !whole {
		if r.src.err != nil {
			return r.stop(r.src.err)
		}
		if !r.src.eof {
			return r.stop(r.src.failure(start, "", tooLong))
		}
		return r.stop(r.src.torn(start))
	}
	if r.count > 0 && isJSONHeader(line) {
		return r.stop(r.src.failure(start, "ackproof", "a second header: want one history a file"))
	}
	return r.stop(r.src.failure(start+r.dec.at, r.dec.field, r.dec.msg+", found "+r.dec.found()))
}

const tooLong = "the entry is longer than 64 MiB"
