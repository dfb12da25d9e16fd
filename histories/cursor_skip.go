package histories

import "bytes"

// aside passes over a comment, a discarded form, metadata or a tag; false
// where the '#' begins the value itself, a set or a symbolic number, or what
// cannot be read.
func (c *cursor) aside() bool {
	switch c.b[c.i] {
	case ';':
		n := bytes.IndexByte(c.b[c.i:], '\n')
		if n < 0 {
			n = len(c.b) - c.i
		}
		c.i += n
		return true
	case '^':
		c.i++
		c.skip()
		return !c.failed()
	}
	if c.i+1 >= len(c.b) {
		return false
	}
	switch c.b[c.i+1] {
	case '_':
		c.i += 2
		c.skip()
		return !c.failed()
	case '{', '#':
		return false
	case '"': // a pattern, which Clojure prints; its text will do
		c.i++
		return false
	case ':': // read without its namespace, a key might become another log's
		c.fail("want a map without a namespace before it (print with *print-namespace-maps* false)")
		return false
	}
	c.i++
	c.token()
	return true
}

// skip passes over any value, however deep, without recursion.
func (c *cursor) skip() {
	c.stack = c.stack[:0]
	for left := 1; left > 0; { // values of the outermost level still to pass
		for c.i < len(c.b) && (c.b[c.i] <= ' ' || c.b[c.i] == ',') {
			c.i++
		}
		if c.i >= len(c.b) {
			c.fail("want a value")
			return
		}
		switch x := c.b[c.i]; x {
		case '[':
			c.push(']')
		case '{':
			c.push('}')
		case '(':
			c.push(')')
		case ']', '}', ')':
			n := len(c.stack)
			if n == 0 || c.stack[n-1] != x {
				c.fail("want a value")
				return
			}
			c.stack = c.stack[:n-1]
			c.i++
			if n == 1 {
				left--
			}
		default:
			more := c.skipAtom(x)
			if c.failed() {
				return
			}
			if len(c.stack) == 0 {
				left += more
			}
		}
	}
}

func (c *cursor) push(shut byte) {
	c.stack = append(c.stack, shut)
	c.i++
}

// skipAtom passes over one token that is no bracket and returns how that
// changes the number of values to pass: -1 for a value, 1 where one more
// follows because of it, 0 otherwise.
func (c *cursor) skipAtom(x byte) int {
	switch {
	case x == '"':
		c.str()
		return -1
	case !c.edn && x == ':':
		c.i++
		return 0
	case c.edn && x == ';':
		c.aside()
		return 0
	case c.edn && x == '^':
		c.i++
		return 1
	case c.edn && x == '#':
		return c.skipHash()
	case c.edn && x == '\\': // a character, which may be a delimiter
		c.i = min(c.i+2, len(c.b))
		c.token()
		return -1
	}
	start := c.i
	if c.token(); c.i == start { // a delimiter where a value must be
		c.fail("want a value")
	}
	return -1
}

// skipHash passes over what begins with '#'.
func (c *cursor) skipHash() int {
	c.i++
	if c.i >= len(c.b) {
		return 0
	}
	switch c.b[c.i] {
	case '_': // the next value is discarded
		c.i++
		return 1
	case '{', '"': // a set, a pattern: the bracket or the quote is next
		return 0
	case '#': // a symbolic number, ##NaN
		c.token()
		return -1
	}
	c.token() // a tag: its value follows
	return 0
}
