package histories

// appendEDNExtras writes the keys that Jepsen's workload does not know.
func appendEDNExtras(b []byte, o *Op) []byte {
	if o.hidesRuns() {
		b = append(b, `, :runs `...)
		b = appendEDNRunList(b, o)
	}
	if len(o.Fetched) > 0 {
		b = append(b, `, :fetched [`...)
		for i, f := range o.Fetched {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, '[')
			b = appendInt(b, f.Key)
			b = append(b, ' ')
			b = appendInt(b, f.Position)
			b = append(b, ' ')
			b = appendInt(b, f.HighWatermark)
			if f.Epoch != -1 {
				b = appendInt(append(b, ' '), f.Epoch)
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	if len(o.Bad) > 0 {
		b = append(b, `, :bad [`...)
		for i, bad := range o.Bad {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, '[')
			b = appendInt(b, bad.Key)
			b = append(b, ' ')
			b = appendInt(b, bad.Offset)
			b = append(b, ' ')
			b = appendQuoted(b, bad.Why)
			b = append(b, ' ')
			b = appendQuoted(b, bad.Detail)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	switch o.Seek.To {
	case SeekBeginning: // Jepsen's own word for it as well
		b = append(b, `, :seek :beginning, :seek-to-beginning? true`...)
	case SeekEnd:
		b = append(b, `, :seek :end`...)
	case SeekBack:
		b = append(b, `, :seek {:back `...)
		b = appendInt(b, o.Seek.Back)
		b = append(b, '}')
	case SeekCommitted:
		b = append(b, `, :seek :committed`...)
	}
	if len(o.Offsets) > 0 && !o.F.asksOffsets() {
		b = append(b, `, :positions `...)
		b = appendEDNOffsets(b, o.Offsets)
	}
	if o.hasTxn() {
		b = appendEDNTxn(b, o)
	}
	if o.Error != "" {
		b = append(b, `, :error `...)
		b = appendQuoted(b, o.Error)
	}
	return b
}

// hidesRuns says whether the map of a poll cannot tell how its records came:
// a log without records, or one log in several runs.
func (o *Op) hidesRuns() bool {
	if !o.F.hasMops() {
		return false
	}
	for i := range o.Mops {
		m := &o.Mops[i]
		if m.Send {
			continue
		}
		runs := o.Runs[m.From:m.To]
		for _, r := range runs {
			if r.From == r.To {
				return true
			}
		}
		if tangled(runs) {
			return true
		}
	}
	return false
}

// appendEDNRunList writes, for each poll, its runs as [key number-of-records].
func appendEDNRunList(b []byte, o *Op) []byte {
	b = append(b, '[')
	first := true
	for i := range o.Mops {
		m := &o.Mops[i]
		if m.Send {
			continue
		}
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = append(b, '[')
		for j, r := range o.Runs[m.From:m.To] {
			if j > 0 {
				b = append(b, ' ')
			}
			b = append(b, '[')
			b = appendInt(b, r.Key)
			b = append(b, ' ')
			b = appendInt(b, int64(r.To-r.From))
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendKeyword writes a name as a keyword, or as a string where Clojure's
// reader would not take the keyword.
func appendKeyword(b []byte, name string) []byte {
	if !isKeyword(name) {
		return appendQuoted(b, name)
	}
	b = append(b, ':')
	return append(b, name...)
}

// isKeyword says whether :name is a plain keyword: letters, digits and a few
// signs, a letter first, no namespace.
func isKeyword(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '?' || c == '!'):
		default:
			return false
		}
	}
	return name != ""
}

// appendEDNTxn writes the keys that concern transactions.
func appendEDNTxn(b []byte, o *Op) []byte {
	if o.Isolation != IsolationContract {
		b = append(b, `, :isolation :`...)
		b = append(b, o.Isolation.String()...)
	}
	if o.Group != "" {
		b = append(b, `, :group `...)
		b = appendQuoted(b, o.Group)
	}
	if o.Abort != 0 {
		b = append(b, `, :abort `...)
		b = appendInt(b, int64(o.Abort)-1)
	}
	if o.Producer != (Producer{}) {
		b = append(b, `, :producer [`...)
		b = appendInt(b, o.Producer.Txn)
		b = append(b, ' ')
		b = appendInt(b, o.Producer.Instance)
		b = append(b, ' ')
		b = appendInt(b, o.Producer.Epoch)
		b = append(b, ']')
	}
	return appendEDNRecordKeys(appendEDNGroup(b, o), o)
}
