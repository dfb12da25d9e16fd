package histories

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// encodeEvent returns the event as JSON. Events are rare, so encoding/json may
// do it.
func encodeEvent(e *Event) []byte {
	b, err := marshal(e)
	if err != nil { // a parameter that is no finite number: say so instead of losing the event
		c := *e
		c.Args, c.Proof, c.Samples = nil, nil, nil
		c.Why = err.Error()
		b, _ = marshal(&c)
	}
	return b
}

// marshal is json.Marshal without the escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeEvent returns the event of a nemesis entry's value, nil where the
// value is another program's.
func decodeEvent(value []byte) *Event {
	var e struct {
		ID *int `json:"id"`
		Event
	}
	if err := json.Unmarshal(value, &e); err != nil || e.ID == nil {
		return nil
	}
	e.Event.ID = *e.ID
	if len(e.On) == 0 { // nothing is one thing, however it was spelled
		e.On = nil
	}
	if len(e.Args) == 0 {
		e.Args = nil
	}
	if len(e.Proof) == 0 {
		e.Proof = nil
	}
	if len(e.Asked) == 0 {
		e.Asked = nil
	}
	if len(e.Samples) == 0 {
		e.Samples = nil
	}
	return &e.Event
}

// appendEDNEvent writes the event's JSON in EDN: keywords for the keys of its
// objects, the rest as it is.
func appendEDNEvent(b []byte, e *Event) []byte {
	dec := json.NewDecoder(bytes.NewReader(encodeEvent(e)))
	dec.UseNumber()
	return appendEDNOf(b, dec)
}

// appendEDNOf translates the decoder's next value.
func appendEDNOf(b []byte, dec *json.Decoder) []byte {
	tok, err := dec.Token()
	if err != nil {
		return append(b, "nil"...)
	}
	switch v := tok.(type) {
	case json.Delim:
		open, shut := v.String(), "]"
		if v == '{' {
			shut = "}"
		}
		b = append(b, open...)
		for n := 0; dec.More(); n++ {
			if n > 0 && v == '{' {
				b = append(b, ',')
			}
			if n > 0 {
				b = append(b, ' ')
			}
			if v == '{' {
				key, _ := dec.Token()
				name, _ := key.(string)
				b = append(appendKeyword(b, name), ' ')
			}
			b = appendEDNOf(b, dec)
		}
		_, _ = dec.Token()
		return append(b, shut...)
	case string:
		return appendQuoted(b, v)
	case json.Number:
		b = append(b, v.String()...)
		if _, err := v.Int64(); err != nil && !strings.ContainsAny(v.String(), ".eE") {
			b = append(b, ".0"...) // integers of EDN have 64 bits
		}
		return b
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "nil"...)
}

// maxDepth bounds how deep a foreign event may nest before it is passed over.
const maxDepth = 32

// appendJSONOf translates the cursor's next EDN value into JSON, so far as an
// event can hold it: keywords become strings. What it cannot translate fails.
func appendJSONOf(b []byte, c *cursor, depth int) []byte {
	c.ws()
	if depth > maxDepth || c.i >= len(c.b) {
		c.fail("want a value that JSON has too")
		return b
	}
	switch x := c.b[c.i]; x {
	case '{', '[', '(':
		shut := c.open(string(x))
		if x == '{' {
			b = append(b, '{')
		} else {
			b = append(b, '[')
		}
		for n := 0; c.next(shut, n); n++ {
			if n > 0 {
				b = append(b, ',')
			}
			if x == '{' {
				b = append(appendQuoted(b, string(c.word())), ':')
			}
			b = appendJSONOf(b, c, depth+1)
		}
		if x == '{' {
			return append(b, '}')
		}
		return append(b, ']')
	case '"', ':':
		return appendQuoted(b, string(c.word()))
	}
	token := c.word()
	switch string(token) {
	case "nil":
		return append(b, "null"...)
	}
	if !json.Valid(token) {
		c.fail("want a value that JSON has too")
	}
	return append(b, token...)
}
