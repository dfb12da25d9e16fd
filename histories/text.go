package histories

import "strconv"

// textWords are the operations' short names in the notation.
var textWords = []struct {
	word string
	f    F
}{
	{"s", Send}, {"p", Poll}, {"t", Txn}, {"a", Assign}, {"u", Subscribe}, {"c", Crash},
	{"e", EndOffsets}, {"b", StartOffsets}, {"d", Debug}, {"l", StableOffsets}, {"f", Fence},
	{"commit", Commit}, {"committed", Committed}, {"create", CreateTopic}, {"delete", DeleteTopic},
	{"grow", CreatePartitions}, {"trim", DeleteRecords}, {"epochs", LeaderEpochs},
}

// AppendText appends the entry as one line of the notation, newline included,
// with its index and time spelled out.
func AppendText(b []byte, o *Op) []byte {
	b = append(b, "i="...)
	b = appendInt(b, o.Index)
	b = append(b, " t="...)
	b = appendInt(b, int64(o.Time))
	b = append(b, ' ')
	return append(appendTextEntry(b, o, true), '\n')
}

// appendTextEntry writes who, what and with which result. mark tells an
// invocation and a completion apart where they stand alone.
func appendTextEntry(b []byte, o *Op, mark bool) []byte {
	outcome := OK
	if o.Process == Nemesis {
		b = append(b, "nemesis"...)
		outcome = Info
	} else {
		b = append(b, 'p')
		b = appendInt(b, o.Process)
	}
	switch {
	case o.Type == Invoke:
		b = append(b, " >"...)
	case mark && o.Process != Nemesis:
		b = append(b, " <"...)
	}
	b = append(b, ' ')
	if o.F.OfNemesis() {
		b = appendTextEvent(b, o)
	} else {
		b = appendTextWord(b, o)
		b = appendTextValue(b, o)
	}
	if o.F == Crash {
		outcome = Info
	}
	if o.Type != Invoke && o.Type != outcome {
		b = append(b, " !"...)
		b = append(b, o.Type.String()...)
	}
	if !o.F.OfNemesis() {
		return appendTextExtras(b, o)
	}
	if o.Error != "" {
		b = appendQuoted(append(b, ' '), o.Error)
	}
	if o.Event != nil && !plainEvent(o.Event) { // the JSON runs to the line's end
		b = append(append(b, ' '), encodeEvent(o.Event)...)
	}
	return b
}

func appendTextWord(b []byte, o *Op) []byte {
	for _, w := range textWords {
		if w.f == o.F {
			return append(b, w.word...)
		}
	}
	b = append(b, "other="...)
	return appendQuoted(b, o.Name)
}

func appendTextValue(b []byte, o *Op) []byte {
	switch {
	case o.F.hasMops():
		return appendTextMops(b, o)
	case o.F.asksOffsets() && len(o.Offsets) > 0:
		for _, ko := range o.Offsets {
			b = append(b, ' ')
			b = appendTextPair(b, ko.Key, ko.Offset)
		}
	default:
		for _, k := range o.Keys {
			b = append(b, ' ')
			b = appendInt(b, k)
		}
	}
	return b
}

// appendTextMops writes the micro-operations: sends side by side, every poll
// in a part of its own.
func appendTextMops(b []byte, o *Op) []byte {
	if len(o.Mops) == 0 && o.F == Poll {
		return append(b, " ()"...)
	}
	key := int64(0)
	sending := false // the part we are in is one of sends
	for i := range o.Mops {
		m := &o.Mops[i]
		if i == 0 || !m.Send || !sending {
			b = appendTextPart(b, o.F, m.Send, i == 0)
			key, sending = 0, m.Send
		}
		if !m.Send {
			b = appendTextPolled(b, o, m)
			continue
		}
		if m.Key != key {
			b = append(b, " k"...)
			b = appendInt(b, m.Key)
			key = m.Key
		}
		b = append(b, ' ')
		b = appendInt(b, m.Value)
		if m.Offset != OffsetUnknown {
			b = appendTextOffset(b, m.Offset)
		}
	}
	return b
}

// appendTextPart begins a part; only a transaction's parts have a word, as the
// others are what their operation is.
func appendTextPart(b []byte, f F, send, first bool) []byte {
	if !first {
		b = append(b, " |"...)
	}
	if f != Txn {
		return b
	}
	if send {
		return append(b, " s"...)
	}
	return append(b, " p"...)
}

func appendTextPolled(b []byte, o *Op, m *Mop) []byte {
	runs := o.Runs[m.From:m.To]
	if len(runs) == 0 {
		switch {
		case m.Polled && o.Type != OK:
			return append(b, " {}"...)
		case !m.Polled && o.Type == OK:
			return append(b, " -"...)
		}
		return b
	}
	for i, run := range runs {
		if i > 0 || run.Key != 0 || run.From == run.To {
			b = append(b, " k"...)
			b = appendInt(b, run.Key)
		}
		for _, r := range o.Recs[run.From:run.To] {
			b = append(b, ' ')
			b = appendInt(b, r.Value)
			b = appendTextOffset(b, r.Offset)
		}
	}
	return b
}

// appendTextOffset writes @offset, or @? where there is none.
func appendTextOffset(b []byte, offset int64) []byte {
	if offset == OffsetNil {
		return append(b, "@?"...)
	}
	return appendInt(append(b, '@'), offset)
}

func appendTextPair(b []byte, key, n int64) []byte {
	b = append(appendInt(b, key), ':')
	return appendInt(b, n)
}

func appendTextExtras(b []byte, o *Op) []byte {
	for _, f := range o.Fetched {
		b = append(b, " fetch="...)
		b = appendTextPair(b, f.Key, f.Position)
		if f.HighWatermark != -1 {
			b = appendInt(append(b, '/'), f.HighWatermark)
		}
		if f.Epoch != -1 {
			b = appendInt(append(b, '~'), f.Epoch)
		}
	}
	for _, r := range o.Bad {
		b = append(b, " bad="...)
		b = append(appendTextPair(b, r.Key, r.Offset), ':')
		b = append(appendTextName(b, r.Why), ':')
		b = appendQuoted(b, r.Detail)
	}
	switch o.Seek.To {
	case SeekBeginning:
		b = append(b, " seek=beginning"...)
	case SeekEnd:
		b = append(b, " seek=end"...)
	case SeekBack:
		b = append(b, " seek=back:"...)
		b = appendInt(b, o.Seek.Back)
	case SeekCommitted:
		b = append(b, " seek=committed"...)
	}
	if !o.F.asksOffsets() {
		for _, ko := range o.Offsets {
			b = append(b, " pos="...)
			b = appendTextPair(b, ko.Key, ko.Offset)
		}
	}
	b = appendTextTxn(b, o)
	if o.Error != "" {
		b = append(b, ' ')
		b = appendQuoted(b, o.Error)
	}
	return b
}

// appendTextTxn writes what concerns transactions.
func appendTextTxn(b []byte, o *Op) []byte {
	switch o.Isolation {
	case ReadUncommitted:
		b = append(b, " iso=uncommitted"...)
	case ReadCommitted:
		b = append(b, " iso=committed"...)
	}
	if o.Group != "" {
		b = appendTextName(append(b, " group="...), o.Group)
	}
	if o.Abort != 0 {
		b = appendInt(append(b, " abort="...), int64(o.Abort)-1)
	}
	if o.Producer != (Producer{}) {
		b = append(b, " by="...)
		b = append(appendTextPair(b, o.Producer.Txn, o.Producer.Instance), ':')
		b = appendInt(b, o.Producer.Epoch)
	}
	return appendTextRecordKeys(appendTextGroup(b, o), o)
}

// appendTextName writes a name bare where that cannot be misread.
func appendTextName(b []byte, name string) []byte {
	if isTextName(name) {
		return append(b, name...)
	}
	return appendQuoted(b, name)
}

func isTextName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '_' || c == '.')) {
			return false
		}
	}
	return s != ""
}

// isProcess says whether a word names a client process, p and its number.
func isProcess(w string) bool {
	if len(w) < 2 || w[0] != 'p' {
		return false
	}
	_, err := strconv.ParseUint(w[1:], 10, 63)
	return err == nil
}
