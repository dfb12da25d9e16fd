package histories

import (
	"bytes"
	"strings"
)

// openText reads the notation.
func openText(src *source) Reader {
	r := &textReader{entries: entries{src: src}}
	line, whole := r.words()
	if r.err == nil && len(line) > 0 && line[0].text == "header" {
		h, at, err := parseTextHeader(line[1:])
		if err != nil {
			r.err = r.src.failure(-r.length+at, "", err.Error())
			return r
		}
		r.head, r.hasHead = h, true
		return r
	}
	r.next, r.nextWhole, r.hasNext = line, whole, true
	return r
}

type textReader struct {
	entries
	parser    textParser
	length    int         // of the last line, its newline included
	next      []textToken // a line read ahead
	nextWhole bool
	hasNext   bool
	completes bool // parser.op is still to be returned
}

// words returns the words of the next line that has any; nil at the end.
func (r *textReader) words() (words []textToken, whole bool) {
	for {
		line, whole := r.line()
		if line == nil {
			return nil, false
		}
		r.length = r.span(line, whole)
		if bytes.IndexByte(line, 0) >= 0 {
			r.err = r.src.failure(-r.length, "", "binary data: want the notation, one operation a line")
			return nil, whole
		}
		words, err := textTokens(strings.ToValidUTF8(string(line), "\uFFFD"))
		if err != nil {
			r.err = r.src.failure(-r.length, "", err.Error())
			return nil, whole
		}
		if len(words) > 0 {
			return words, whole
		}
	}
}

// Next implements Reader.
func (r *textReader) Next() (*Op, error) {
	if r.completes {
		r.completes = false
		return r.entry(&r.parser.op)
	}
	if r.err != nil {
		return nil, r.err
	}
	words := r.next
	whole := r.nextWhole
	if !r.hasNext {
		words, whole = r.words()
	}
	r.hasNext = false
	if r.err != nil {
		return nil, r.err
	}
	if words == nil {
		return r.finish()
	}
	if words[0].text == "header" {
		return r.stop(r.src.failure(-r.length, "", "a header here: want it once, before every entry"))
	}
	if !whole && r.src.eof && r.hasHead {
		// The shorter half of a number is a number, too. What has a header was
		// written by a program, which ends its lines.
		return r.stop(r.src.torn(-r.length))
	}
	both, err := r.parser.parse(words)
	if err != nil {
		if !whole && r.src.eof {
			return r.stop(r.src.torn(-r.length))
		}
		return r.stop(r.src.failure(-r.length+r.parser.at, "", err.Error()))
	}
	if both {
		r.completes = true
		return r.entry(&r.parser.inv)
	}
	return r.entry(&r.parser.op)
}
