package histories

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// appendTextEvent writes what the nemesis did, in words where they can say
// everything. Where they cannot, the line ends with the event's JSON.
func appendTextEvent(b []byte, o *Op) []byte {
	b = append(b, o.F.String()...)
	e := o.Event
	if e == nil || !plainEvent(e) {
		return b
	}
	if e.Phase != "" {
		b = append(append(b, ' '), e.Phase...)
	}
	if e.ID != -1 {
		b = append(b, " id="...)
		b = appendInt(b, int64(e.ID))
	}
	if e.Fault != "" {
		b = append(b, " fault="...)
		b = append(b, e.Fault...)
	}
	if len(e.On) > 0 {
		b = append(b, " on="...)
		b = append(b, strings.Join(e.On, ",")...)
	}
	if e.Direction != "" {
		b = append(b, " direction="...)
		b = append(b, e.Direction...)
	}
	if e.Held != nil {
		b = append(b, " held="...)
		b = strconv.AppendBool(b, *e.Held)
	}
	if e.Why != "" {
		b = append(b, " why="...)
		b = appendQuoted(b, e.Why)
	}
	return b
}

// plainEvent says whether words are enough for the event.
func plainEvent(e *Event) bool {
	bare := func(s string) bool { return s == "" || isTextName(s) }
	return len(e.Args) == 0 && len(e.Proof) == 0 && len(e.Asked) == 0 && e.State == nil && len(e.Samples) == 0 && bare(e.Phase) && bare(e.Fault) && bare(e.Direction) &&
		!slices.ContainsFunc(e.On, func(n string) bool { return !isTextName(n) })
}

// parseTextEvent reads the words of an event.
func parseTextEvent(words []textToken) (e *Event, at int, err error) {
	if len(words) == 1 && strings.HasPrefix(words[0].text, "{") {
		if e := decodeEvent([]byte(words[0].text)); e != nil {
			return e, 0, nil
		}
		return nil, words[0].at, fmt.Errorf(`want an event as JSON, {"id":0,…}`)
	}
	e = &Event{ID: -1}
	for i, w := range words {
		name, raw, ok := strings.Cut(w.text, "=")
		if !ok {
			if i > 0 {
				return nil, w.at, fmt.Errorf("%q: want id= fault= on= direction= held= or why=", w.text)
			}
			e.Phase = name
			continue
		}
		value, err := unquote(raw)
		if err == nil {
			err = e.setWord(name, value)
		}
		if err != nil {
			return nil, w.at, fmt.Errorf("%s: %w", name, err)
		}
	}
	return e, 0, nil
}

func (e *Event) setWord(name, value string) (err error) {
	switch name {
	case "id":
		e.ID, err = strconv.Atoi(value)
	case "phase":
		e.Phase = value
	case "fault":
		e.Fault = value
	case "on":
		e.On = strings.Split(value, ",")
	case "direction":
		e.Direction = value
	case "held":
		var held bool
		held, err = strconv.ParseBool(value)
		e.Held = &held
	case "why":
		e.Why = value
	default:
		return fmt.Errorf("want id= fault= on= direction= held= or why=")
	}
	return err
}
