package histories

// AppendJSON appends the entry as one line of JSON Lines, newline included.
// The order of its keys is fixed; it allocates nothing but the room b needs
// (nemesis entries, which are rare, aside).
func AppendJSON(b []byte, o *Op) []byte {
	b = append(b, `{"index":`...)
	b = appendInt(b, o.Index)
	b = append(b, `,"time":`...)
	b = appendInt(b, int64(o.Time))
	if o.Process == Nemesis {
		b = append(b, `,"process":"nemesis"`...)
	} else {
		b = append(b, `,"process":`...)
		b = appendInt(b, o.Process)
	}
	b = append(b, `,"type":"`...)
	b = append(b, o.Type.String()...)
	if o.F == Other {
		b = append(b, `","f":`...)
		b = appendQuoted(b, o.Name)
		b = append(b, `,"value":`...)
	} else {
		b = append(b, `","f":"`...)
		b = append(b, o.F.String()...)
		b = append(b, `","value":`...)
	}
	b = appendJSONValue(b, o)
	if len(o.Fetched)+len(o.Bad)+len(o.Offsets)+len(o.Error) > 0 || o.Seek.To != SeekResume || o.hasTxn() {
		b = appendJSONExtras(b, o)
	}
	return append(b, '}', '\n')
}

func appendJSONValue(b []byte, o *Op) []byte {
	switch {
	case o.F.hasMops():
		return appendJSONMops(b, o)
	case o.F.asksOffsets() && len(o.Offsets) > 0:
		return appendJSONOffsets(b, o.Offsets)
	case o.F.hasKeys():
		b = append(b, '[')
		for i, k := range o.Keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendInt(b, k)
		}
		return append(b, ']')
	case o.Event != nil && o.F.OfNemesis():
		return append(b, encodeEvent(o.Event)...)
	}
	return append(b, "null"...)
}

func appendJSONMops(b []byte, o *Op) []byte {
	b = append(b, '[')
	for i := range o.Mops {
		if i > 0 {
			b = append(b, ',')
		}
		m := &o.Mops[i]
		if m.Send {
			b = appendJSONSend(b, m)
			continue
		}
		b = append(b, `["poll"`...)
		if m.Polled {
			b = append(b, ",["...)
			for j, run := range o.Runs[m.From:m.To] {
				if j > 0 {
					b = append(b, ',')
				}
				b = append(b, '[')
				b = appendInt(b, run.Key)
				b = append(b, ',')
				b = appendJSONRecs(b, o.Recs[run.From:run.To])
				b = append(b, ']')
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendJSONSend writes a record sent in one of the three states of its result.
func appendJSONSend(b []byte, m *Mop) []byte {
	b = append(b, `["send",`...)
	b = appendInt(b, m.Key)
	switch m.Offset {
	case OffsetUnknown:
		b = append(b, ',')
		b = appendInt(b, m.Value)
		return append(b, ']')
	case OffsetNil:
		b = append(b, ",[null,"...)
	default:
		b = append(b, ",["...)
		b = appendInt(b, m.Offset)
		b = append(b, ',')
	}
	b = appendInt(b, m.Value)
	return append(b, "]]"...)
}

func appendJSONRecs(b []byte, recs []Rec) []byte {
	b = append(b, '[')
	for i, r := range recs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		if r.Offset == OffsetNil {
			b = append(b, "null"...)
		} else {
			b = appendInt(b, r.Offset)
		}
		b = append(b, ',')
		b = appendInt(b, r.Value)
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendJSONOffsets(b []byte, offsets []KeyOffset) []byte {
	b = append(b, '[')
	for i, ko := range offsets {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = appendInt(b, ko.Key)
		b = append(b, ',')
		b = appendInt(b, ko.Offset)
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendJSONExtras writes the optional keys that follow the value.
func appendJSONExtras(b []byte, o *Op) []byte {
	if len(o.Fetched) > 0 {
		b = append(b, `,"fetched":[`...)
		for i, f := range o.Fetched {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = appendInt(b, f.Key)
			b = append(b, ',')
			b = appendInt(b, f.Position)
			b = append(b, ',')
			b = appendInt(b, f.HighWatermark)
			if f.Epoch != -1 {
				b = appendInt(append(b, ','), f.Epoch)
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	if len(o.Bad) > 0 {
		b = append(b, `,"bad":[`...)
		for i, bad := range o.Bad {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = appendInt(b, bad.Key)
			b = append(b, ',')
			b = appendInt(b, bad.Offset)
			b = append(b, ',')
			b = appendQuoted(b, bad.Why)
			b = append(b, ',')
			b = appendQuoted(b, bad.Detail)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	switch o.Seek.To {
	case SeekBeginning:
		b = append(b, `,"seek":"beginning"`...)
	case SeekEnd:
		b = append(b, `,"seek":"end"`...)
	case SeekBack:
		b = append(b, `,"seek":{"back":`...)
		b = appendInt(b, o.Seek.Back)
		b = append(b, '}')
	case SeekCommitted:
		b = append(b, `,"seek":"committed"`...)
	}
	if len(o.Offsets) > 0 && !o.F.asksOffsets() {
		b = append(b, `,"positions":`...)
		b = appendJSONOffsets(b, o.Offsets)
	}
	if o.hasTxn() {
		b = appendJSONTxn(b, o)
	}
	if o.Error != "" {
		b = append(b, `,"error":`...)
		b = appendQuoted(b, o.Error)
	}
	return b
}

// hasTxn says whether the entry has a key that concerns transactions, groups or keys of records.
func (o *Op) hasTxn() bool {
	return o.Isolation != IsolationContract || o.Abort != 0 || o.Group != "" || o.Producer != Producer{} || len(o.IDs)+len(o.Rebalances)+len(o.RecordKeys) > 0
}

// appendJSONTxn writes the keys that concern transactions.
func appendJSONTxn(b []byte, o *Op) []byte {
	if o.Isolation != IsolationContract {
		b = append(b, `,"isolation":"`...)
		b = append(b, o.Isolation.String()...)
		b = append(b, '"')
	}
	if o.Group != "" {
		b = append(b, `,"group":`...)
		b = appendQuoted(b, o.Group)
	}
	if o.Abort != 0 {
		b = append(b, `,"abort":`...)
		b = appendInt(b, int64(o.Abort)-1)
	}
	if o.Producer != (Producer{}) {
		b = append(b, `,"producer":[`...)
		b = appendInt(b, o.Producer.Txn)
		b = append(b, ',')
		b = appendInt(b, o.Producer.Instance)
		b = append(b, ',')
		b = appendInt(b, o.Producer.Epoch)
		b = append(b, ']')
	}
	return appendJSONRecordKeys(appendJSONGroup(b, o), o)
}
