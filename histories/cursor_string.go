package histories

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string literal, escapes undone.
func (c *cursor) str() []byte {
	start := c.i + 1
	for i := start; i < len(c.b); i++ {
		switch c.b[i] {
		case '"':
			c.i = i + 1
			return c.b[start:i]
		case '\\':
			return c.escaped(start, i)
		}
	}
	c.i = len(c.b)
	c.fail("want a closing quote")
	return nil
}

// escaped reads on in a string that began at start and has an escape at i.
func (c *cursor) escaped(start, i int) []byte {
	t := append(c.text[:0], c.b[start:i]...)
	for i < len(c.b) && c.b[i] != '"' {
		if x := c.b[i]; x != '\\' {
			t = append(t, x)
			i++
			continue
		}
		var n int
		if t, n = c.escape(t, i+1); n == 0 {
			if rest := c.b[i+1:]; len(rest) < 5 && bytes.IndexByte(rest, '"') < 0 {
				break // the text ends within the escape
			}
			c.i = i
			c.fail(`want an escape: \" \\ \/ \b \f \n \r \t or \u with four digits`)
			return nil
		}
		i += 1 + n
	}
	c.text = t
	if i >= len(c.b) || c.b[i] != '"' {
		c.i = len(c.b)
		c.fail("want a closing quote")
		return nil
	}
	c.i = i + 1
	return t
}

// escape undoes the escape at i, behind its backslash, and says how long it
// was; 0 where it is none.
func (c *cursor) escape(t []byte, i int) ([]byte, int) {
	if i >= len(c.b) {
		return t, 0
	}
	switch x := c.b[i]; x {
	case '"', '\\', '/', '\'':
		return append(t, x), 1
	case 'b':
		return append(t, '\b'), 1
	case 'f':
		return append(t, '\f'), 1
	case 'n':
		return append(t, '\n'), 1
	case 'r':
		return append(t, '\r'), 1
	case 't':
		return append(t, '\t'), 1
	case 'u':
		r, ok := c.hex4(i + 1)
		if !ok {
			return t, 0
		}
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(t, r), 5
		}
		if low, ok := c.hex4(i + 7); ok && c.b[i+5] == '\\' && c.b[i+6] == 'u' {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return utf8.AppendRune(t, full), 11
			}
		}
		return utf8.AppendRune(t, utf8.RuneError), 5 // half a pair
	}
	return t, 0
}

func (c *cursor) hex4(i int) (rune, bool) {
	if i+4 > len(c.b) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(c.b[i:i+4]), 16, 16)
	return rune(v), err == nil
}
