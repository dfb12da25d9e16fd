package histories

import (
	"bytes"
	"strconv"
)

// cursor walks over the text of one entry, JSON or EDN. Its first failure
// sticks: every method may be called after it and loops end, so that the
// grammar reads without a check a token.
type cursor struct {
	b   []byte
	i   int
	edn bool
	sep byte // between two elements as we write them: ',' or ' '

	msg   string // the first failure
	at    int    // where it is
	stack []byte // brackets that skip has open
	text  []byte // the last string that had escapes
}

// reset begins to walk over b.
func (c *cursor) reset(b []byte) {
	c.b, c.i, c.msg, c.at = b, 0, "", 0
	c.sep = ','
	if c.edn {
		c.sep = ' '
	}
}

// fail notes a failure here; only the first counts.
func (c *cursor) fail(msg string) {
	if c.msg == "" {
		c.msg, c.at = msg, c.i
	}
}

func (c *cursor) failed() bool { return c.msg != "" }

// found quotes what stands at the failure, for the message.
func (c *cursor) found() string {
	rest := c.b[min(c.at, len(c.b)):]
	if len(rest) == 0 {
		return "the end"
	}
	if i := bytes.IndexByte(rest, '\n'); i > 0 {
		rest = rest[:i]
	}
	return strconv.Quote(string(rest[:min(len(rest), 24)]))
}

// ws goes to the next token. In EDN, commas, comments, discarded forms,
// metadata and tags count as white space: a tagged form is read as the form.
func (c *cursor) ws() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\r', '\n':
			c.i++
		case ',', '\f':
			if !c.edn {
				return
			}
			c.i++
		case ';', '#', '^':
			if !c.edn || !c.aside() {
				return
			}
		default:
			return
		}
	}
}

// eat goes past x where that is the next token.
func (c *cursor) eat(x byte) bool {
	if c.i < len(c.b) && c.b[c.i] == x {
		c.i++
		return true
	}
	c.ws()
	if c.i < len(c.b) && c.b[c.i] == x {
		c.i++
		return true
	}
	return false
}

// open goes past an opening bracket, one of those in which, and returns the
// closing one.
func (c *cursor) open(which string) (shut byte) {
	c.ws()
	if c.i < len(c.b) {
		for i := range len(which) {
			if x := which[i]; c.b[c.i] == x {
				c.i++
				switch x {
				case '(':
					return ')'
				case '[':
					return ']'
				}
				return '}'
			}
		}
	}
	c.fail("want " + which[:1])
	return 0
}

// list opens a list: [, and in EDN ( too.
func (c *cursor) list() (shut byte) {
	if c.i < len(c.b) && c.b[c.i] == '[' {
		c.i++
		return ']'
	}
	if c.edn {
		return c.open("[(")
	}
	return c.open("[")
}

// next says whether another element follows in the collection that shut
// closes, n elements in.
func (c *cursor) next(shut byte, n int) bool {
	if c.failed() {
		return false
	}
	if n > 0 && c.separator() {
		return true
	}
	if c.eat(shut) {
		return false
	}
	if !c.edn && n > 0 && !c.eat(',') {
		c.fail("want a comma or " + string(shut))
		return false
	}
	return true
}

// separator goes past what stands between two elements as we write them, which
// is most of all cases; next does the others.
func (c *cursor) separator() bool {
	b, i := c.b, c.i
	if !c.edn {
		if i < len(b) && b[i] == ',' {
			c.i++
			return true
		}
		return false
	}
	if i < len(b) && b[i] == ',' {
		i++
	}
	if i+1 < len(b) && b[i] == ' ' && (b[i+1] == '[' || b[i+1] == ':' || b[i+1]-'0' <= 9) {
		c.i = i + 1
		return true
	}
	return false
}

// shut goes past the closing bracket of a list of known length.
func (c *cursor) shut(x byte) {
	if !c.failed() && !c.eat(x) {
		c.fail("want " + string(x))
	}
}

// comma goes past the separator of two elements of a list of known length.
func (c *cursor) comma() {
	if c.i < len(c.b) && c.b[c.i] == c.sep {
		c.i++
	} else if !c.edn && !c.eat(',') {
		c.fail("want a comma")
	}
}

// null goes past null, in EDN nil, where that is the next token.
func (c *cursor) null() bool {
	if c.i < len(c.b) && c.b[c.i] == '[' { // most of all cases
		return false
	}
	c.ws()
	word := "null"
	if c.edn {
		word = "nil"
	}
	if len(c.b)-c.i < len(word) || string(c.b[c.i:c.i+len(word)]) != word {
		return false
	}
	if end := c.i + len(word); end < len(c.b) && !delimiter(c.b[end]) {
		return false
	}
	c.i += len(word)
	return true
}

// int reads an integer of 64 bits, exactly.
func (c *cursor) int() int64 {
	b, i := c.b, c.i
	if i >= len(b) || b[i] != '-' && b[i]-'0' > 9 {
		c.ws()
		i = c.i
	}
	start := i
	if i < len(b) && (b[i] == '-' || c.edn && b[i] == '+') {
		i++
	}
	first := i
	var v int64
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int64(d)
		i++
	}
	end := i
	if c.edn && i > first && i < len(b) && b[i] == 'N' { // Clojure's mark of a big integer
		i++
	}
	if end == first || i < len(b) && !delimiter(b[i]) {
		c.fail("want an integer")
		return 0
	}
	if end-first > 18 {
		var err error
		if v, err = strconv.ParseInt(string(b[start:end]), 10, 64); err != nil {
			c.fail("want an integer of 64 bits")
			return 0
		}
		c.i = i
		return v
	}
	c.i = i
	if b[start] == '-' {
		return -v
	}
	return v
}

// intOr reads an integer, or null as the number given.
func (c *cursor) intOr(null int64) int64 {
	if c.i < len(c.b) && c.b[c.i]-'0' <= 9 {
		return c.int()
	}
	if c.null() {
		return null
	}
	return c.int()
}

// delimiters are the bytes that end a token.
var delimiters = [256]bool{
	' ': true, ',': true, '\t': true, '\n': true, '\r': true, '\f': true, '[': true, ']': true,
	'{': true, '}': true, '(': true, ')': true, '"': true, ';': true,
}

// delimiter says whether x ends a token.
func delimiter(x byte) bool { return delimiters[x] }

// token reads up to the next delimiter.
func (c *cursor) token() []byte {
	start := c.i
	for c.i < len(c.b) && !delimiter(c.b[c.i]) {
		c.i++
	}
	return c.b[start:c.i]
}

// word reads a name: a string, in EDN also a keyword or a symbol. What it
// returns is good until the next call.
func (c *cursor) word() []byte {
	if c.i < len(c.b) && c.b[c.i] != '"' && c.b[c.i] != ':' {
		c.ws()
	}
	if c.i < len(c.b) {
		switch x := c.b[c.i]; {
		case x == '"':
			return c.str()
		case c.edn:
			if x == ':' {
				c.i++
			}
			if w := c.token(); len(w) > 0 {
				return w
			}
		}
	}
	c.fail("want a name")
	return nil
}
