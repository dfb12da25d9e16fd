package histories

// AppendEDN appends the entry as one line of EDN in the shape of
// jepsen.tests.kafka, newline included. What Jepsen's workload does not know
// stands where its checker does not look: what asks for offsets, and fence, are
// debug-topic-partitions operations, everything else has a key of its own.
func AppendEDN(b []byte, o *Op) []byte {
	b = append(b, `{:index `...)
	b = appendInt(b, o.Index)
	b = append(b, `, :time `...)
	b = appendInt(b, int64(o.Time))
	b = append(b, `, :type :`...)
	b = append(b, o.Type.String()...)
	if o.Process == Nemesis {
		b = append(b, `, :process :nemesis`...)
	} else {
		b = append(b, `, :process `...)
		b = appendInt(b, o.Process)
	}
	b = append(b, `, :f `...)
	switch {
	case o.F == Other:
		b = appendKeyword(b, o.Name)
	case o.F.hidden():
		b = append(b, `:debug-topic-partitions`...)
	default:
		b = append(b, ':')
		b = append(b, o.F.String()...)
	}
	b = append(b, `, :value `...)
	b = appendEDNValue(b, o)
	b = appendEDNExtras(b, o)
	return append(b, '}', '\n')
}

func appendEDNValue(b []byte, o *Op) []byte {
	switch {
	case o.F.hasMops():
		return appendEDNMops(b, o)
	case o.F.hidden():
		b = append(b, `{:ackproof/f :`...)
		b = append(b, o.F.String()...)
		if len(o.Offsets) > 0 && o.F.asksOffsets() {
			b = append(b, `, :offsets `...)
			b = appendEDNOffsets(b, o.Offsets)
		} else {
			b = append(b, `, :keys `...)
			b = appendEDNKeys(b, o.Keys)
		}
		return append(b, '}')
	case o.F.hasKeys():
		return appendEDNKeys(b, o.Keys)
	case o.Event != nil && o.F.OfNemesis():
		return appendEDNEvent(b, o.Event)
	}
	return append(b, "nil"...)
}

func appendEDNKeys(b []byte, keys []int64) []byte {
	b = append(b, '[')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendInt(b, k)
	}
	return append(b, ']')
}

func appendEDNOffsets(b []byte, offsets []KeyOffset) []byte {
	b = append(b, '[')
	for i, ko := range offsets {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, '[')
		b = appendInt(b, ko.Key)
		b = append(b, ' ')
		b = appendInt(b, ko.Offset)
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendEDNMops(b []byte, o *Op) []byte {
	b = append(b, '[')
	for i := range o.Mops {
		if i > 0 {
			b = append(b, ' ')
		}
		m := &o.Mops[i]
		switch {
		case m.Send:
			b = appendEDNSend(b, m)
		case !m.Polled:
			b = append(b, `[:poll]`...)
		default:
			b = append(b, `[:poll {`...)
			b = appendEDNRuns(b, o, m)
			b = append(b, `}]`...)
		}
	}
	return append(b, ']')
}

func appendEDNSend(b []byte, m *Mop) []byte {
	b = append(b, `[:send `...)
	b = appendInt(b, m.Key)
	switch m.Offset {
	case OffsetUnknown:
		b = append(b, ' ')
		b = appendInt(b, m.Value)
		return append(b, ']')
	case OffsetNil:
		b = append(b, ` [nil `...)
	default:
		b = append(b, ` [`...)
		b = appendInt(b, m.Offset)
		b = append(b, ' ')
	}
	b = appendInt(b, m.Value)
	return append(b, `]]`...)
}

// appendEDNRuns writes what a poll returned as the inside of a map: every log
// once, as a map demands, and none without records, on which Jepsen's checker
// crashes. Where that hides something, :runs tells it.
func appendEDNRuns(b []byte, o *Op, m *Mop) []byte {
	runs := o.Runs[m.From:m.To]
	plain := !tangled(runs)
	first := true
	for i, run := range runs {
		if run.From == run.To && plain {
			continue
		}
		if !plain && (keyAmong(runs[:i], run.Key) || keyRecs(runs[i:], run.Key) == 0) {
			continue
		}
		if !first {
			b = append(b, `, `...)
		}
		first = false
		b = appendInt(b, run.Key)
		b = append(b, ` [`...)
		if plain {
			b = appendEDNRecs(b, o.Recs[run.From:run.To], true)
		} else {
			n := 0
			for _, r := range runs[i:] {
				if r.Key == run.Key {
					b = appendEDNRecs(b, o.Recs[r.From:r.To], n == 0)
					n += int(r.To - r.From)
				}
			}
		}
		b = append(b, ']')
	}
	return b
}

func appendEDNRecs(b []byte, recs []Rec, first bool) []byte {
	for _, r := range recs {
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = append(b, '[')
		if r.Offset == OffsetNil {
			b = append(b, `nil`...)
		} else {
			b = appendInt(b, r.Offset)
		}
		b = append(b, ' ')
		b = appendInt(b, r.Value)
		b = append(b, ']')
	}
	return b
}

// tangled says whether the runs name a log twice.
func tangled(runs []Run) bool {
	for i := 1; i < len(runs); i++ {
		if runs[i].Key <= runs[i-1].Key { // rising keys, the usual case, cannot
			for j := 1; j < len(runs); j++ {
				if keyAmong(runs[:j], runs[j].Key) {
					return true
				}
			}
			return false
		}
	}
	return false
}

func keyAmong(runs []Run, key int64) bool {
	for _, r := range runs {
		if r.Key == key {
			return true
		}
	}
	return false
}

func keyRecs(runs []Run, key int64) (n int32) {
	for _, r := range runs {
		if r.Key == key {
			n += r.To - r.From
		}
	}
	return n
}
