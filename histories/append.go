package histories

import (
	"strconv"
	"unicode/utf8"
)

const digits = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// appendInt is strconv.AppendInt in base 10 for the numbers that histories are
// full of: not negative, a few digits, two of them a step.
func appendInt(b []byte, v int64) []byte {
	if v < 0 {
		return strconv.AppendInt(b, v, 10)
	}
	if v < 10 {
		return append(b, byte('0'+v))
	}
	var t [20]byte
	i := len(t)
	u := uint64(v)
	for u >= 100 {
		q := u / 100
		r := (u - q*100) * 2
		i -= 2
		t[i], t[i+1] = digits[r], digits[r+1]
		u = q
	}
	if u >= 10 {
		i -= 2
		t[i], t[i+1] = digits[u*2], digits[u*2+1]
	} else {
		i--
		t[i] = byte('0' + u)
	}
	return append(b, t[i:]...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a string literal that JSON, EDN and the notation
// read alike. What is not UTF-8 becomes the replacement character.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
