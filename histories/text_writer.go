package histories

import (
	"bytes"
	"time"
)

// textEncoder writes the notation: an invocation whose completion comes next
// becomes one line with it, indexes and times are left out where they follow.
type textEncoder struct {
	held    Op // an invocation that waits for its completion
	holding bool
	any     bool
	last    Op // index and time of the last entry written
	inv     Op // scratch
	a, b    []byte
}

func (e *textEncoder) header(b []byte, h *Header) []byte { return appendTextHeader(b, h) }

func (e *textEncoder) op(b []byte, o *Op) []byte {
	if e.holding {
		e.holding = false
		if e.completes(o) {
			b = e.place(b, &e.held, o.Time, true)
			e.last.Index, e.last.Time = o.Index, o.Time
			return append(appendTextEntry(b, o, false), '\n')
		}
		b = e.one(b, &e.held)
	}
	if o.Type == Invoke && o.Process != Nemesis {
		o.CopyTo(&e.held)
		e.holding = true
		return b
	}
	return e.one(b, o)
}

func (e *textEncoder) end(b []byte) []byte {
	if e.holding {
		e.holding = false
		b = e.one(b, &e.held)
	}
	return b
}

// one writes a line with one entry.
func (e *textEncoder) one(b []byte, o *Op) []byte {
	b = e.place(b, o, o.Time, false)
	return append(appendTextEntry(b, o, true), '\n')
}

// place writes index and time, as far as they do not follow from the last.
func (e *textEncoder) place(b []byte, o *Op, end time.Duration, both bool) []byte {
	index, at := e.last.Index+1, e.last.Time+1
	if !e.any {
		index, at = 0, 0
	}
	e.any = true
	if o.Index != index {
		b = append(b, "i="...)
		b = append(appendInt(b, o.Index), ' ')
	}
	if o.Time != at || both && end != o.Time+1 {
		b = append(b, "t="...)
		b = appendInt(b, int64(o.Time))
		if both && end != o.Time+1 {
			b = append(b, ".."...)
			b = appendInt(b, int64(end))
		}
		b = append(b, ' ')
	}
	e.last.Index, e.last.Time = o.Index, o.Time
	return b
}

// completes says whether o is the completion that one line with the held
// invocation would stand for.
func (e *textEncoder) completes(o *Op) bool {
	h := &e.held
	if o.Type == Invoke || o.Process != h.Process || o.Index != h.Index+1 {
		return false
	}
	invocationOf(o, &e.inv)
	e.inv.Index, e.inv.Time = h.Index, h.Time
	e.a, e.b = AppendJSON(e.a[:0], h), AppendJSON(e.b[:0], &e.inv)
	return bytes.Equal(e.a, e.b)
}

// invocationOf makes inv the invocation of a completed operation, so far as
// the completion tells it.
func invocationOf(done, inv *Op) {
	inv.Reset()
	inv.Process, inv.Type, inv.F, inv.Name, inv.Seek = done.Process, Invoke, done.F, done.Name, done.Seek
	inv.Isolation, inv.Abort, inv.Group = done.Isolation, done.Abort, done.Group
	if done.F == Commit || done.F == DeleteRecords { // what was asked for, and not what came of it
		inv.Offsets, inv.IDs = append(inv.Offsets, done.Offsets...), append(inv.IDs, done.IDs...)
	}
	inv.RecordKeys = append(inv.RecordKeys, done.RecordKeys...)
	inv.Keys = append(inv.Keys, done.Keys...)
	for _, m := range done.Mops {
		if m.Send {
			inv.AddSend(m.Key, m.Value)
		} else {
			inv.AddPoll()
		}
	}
}
