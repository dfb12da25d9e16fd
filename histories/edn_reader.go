package histories

import "bytes"

// openEDN reads EDN: entries side by side or in one vector or list, each on as
// many lines as it likes.
func openEDN(src *source) Reader {
	r := &ednReader{entries: entries{src: src}}
	r.dec.edn = true
	r.readHeader()
	return r
}

type ednReader struct {
	entries
	dec  decoder
	shut byte // closes the vector of entries; 0 outside of one
}

// headerMark begins the comment that holds an EDN history's header.
const headerMark = ";; ackproof "

// readHeader takes the first line, where that is our comment.
func (r *ednReader) readHeader() {
	start := peek(r.src, len(headerMark))
	if string(start) != headerMark {
		if r.src.eof && len(start) > 3 && bytes.HasPrefix([]byte(headerMark), start) {
			r.err = r.src.torn(0)
		}
		return
	}
	r.any = true
	line, whole := r.src.line()
	h, err := parseHeader(line[len(headerMark):])
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

// nearEnd is how close to the end of the window a failure may be caused by
// that end, which can stand inside a token.
const nearEnd = 64

// Next implements Reader.
func (r *ednReader) Next() (*Op, error) {
	if r.err != nil {
		return nil, r.err
	}
	for {
		w := r.src.window()
		begin, ok := r.toEntry(w)
		if !ok {
			if r.src.fill() {
				continue
			}
			return r.stopAtEnd()
		}
		if begin < 0 { // a bracket of the vector was consumed
			continue
		}
		r.any = true
		if r.dec.plainEDN(w[begin:], &r.op) || r.dec.decode(w[begin:], &r.op) {
			r.src.consume(begin + r.dec.i)
			return r.entry(&r.op)
		}
		if len(w)-begin-r.dec.i < nearEnd || len(w)-begin-r.dec.at < nearEnd {
			r.src.consume(begin)
			if len(w)-begin <= maxEntry && r.src.fill() {
				continue
			}
			begin = 0
		}
		return r.stop(r.wrong(begin))
	}
}

// toEntry returns where the next entry begins in w, -1 where it consumed a
// bracket around the entries instead, and false where w ends before either.
func (r *ednReader) toEntry(w []byte) (int, bool) {
	c := &r.dec.cursor
	c.reset(w)
	c.ws()
	if c.failed() && len(w)-c.i >= nearEnd { // not for want of text
		return c.i, true
	}
	if c.failed() || c.i >= len(w) || w[c.i] == '#' && c.i+1 >= len(w) {
		return 0, false
	}
	r.any = true
	switch x := w[c.i]; {
	case r.shut == 0 && x == '[':
		r.shut = ']'
	case r.shut == 0 && x == '(':
		r.shut = ')'
	case r.shut != 0 && x == r.shut:
		r.shut = 0
	default:
		return c.i, true
	}
	r.src.consume(c.i + 1)
	return -1, true
}

// stopAtEnd ends the reading where only white space, comments or an unfinished
// token are left.
func (r *ednReader) stopAtEnd() (*Op, error) {
	if r.src.err != nil {
		return r.stop(r.src.err)
	}
	c := &r.dec.cursor
	c.reset(r.src.window())
	c.ws()
	if c.failed() || c.i < len(c.b) || r.shut != 0 {
		e := r.src.torn(0)
		if !c.failed() && c.i == len(c.b) {
			e.Msg = "the file ends before the " + string(r.shut) + " that closes its entries; everything before is whole"
		}
		return r.stop(e)
	}
	if len(c.b) > 0 {
		r.any = r.any || r.hasHead
	}
	return r.finish()
}

// wrong describes why the entry that begins at i of the window cannot be read.
// Where not even its end can be found the file was cut off.
func (r *ednReader) wrong(i int) error {
	w := r.src.buf[r.src.lo+i : r.src.hi]
	msg, at, found := r.dec.msg, r.dec.at, r.dec.found()
	if r.src.err != nil {
		return r.src.err
	}
	c := cursor{edn: true}
	c.reset(w)
	c.skip()
	if c.failed() && c.i >= len(w) {
		if !r.src.eof {
			return r.src.failure(i, "", tooLong)
		}
		return r.src.torn(i)
	}
	return r.src.failure(i+at, r.dec.field, msg+", found "+found)
}
