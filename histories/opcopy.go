package histories

import "iter"

// Reset empties the entry and keeps the memory of its slices. It writes no pointer
// that need not be written: readers do this for every entry, and the garbage
// collector wants to hear of each.
func (o *Op) Reset() {
	o.Index, o.Time, o.Process, o.Type, o.F = 0, 0, 0, Invoke, Other
	o.Mops, o.Runs, o.Recs, o.Fetched, o.Bad = o.Mops[:0], o.Runs[:0], o.Recs[:0], o.Fetched[:0], o.Bad[:0]
	o.Keys, o.Offsets, o.IDs = o.Keys[:0], o.Offsets[:0], o.IDs[:0]
	o.Rebalances, o.RecordKeys = o.Rebalances[:0], o.RecordKeys[:0]
	o.Seek, o.Isolation, o.Abort, o.Producer = Seek{}, IsolationContract, 0, Producer{}
	if o.Name != "" {
		o.Name = ""
	}
	if o.Group != "" {
		o.Group = ""
	}
	if o.Error != "" {
		o.Error = ""
	}
	if o.Event != nil {
		o.Event = nil
	}
}

// CopyTo makes dst an entry of its own that equals o, in the memory dst
// already has. The Event is shared: nobody changes one that was recorded.
func (o *Op) CopyTo(dst *Op) {
	*dst = Op{
		Index: o.Index, Time: o.Time, Process: o.Process, Type: o.Type, F: o.F, Name: o.Name,
		Mops:       append(dst.Mops[:0], o.Mops...),
		Runs:       append(dst.Runs[:0], o.Runs...),
		Recs:       append(dst.Recs[:0], o.Recs...),
		Fetched:    append(dst.Fetched[:0], o.Fetched...),
		Bad:        append(dst.Bad[:0], o.Bad...),
		Keys:       append(dst.Keys[:0], o.Keys...),
		Seek:       o.Seek,
		Offsets:    append(dst.Offsets[:0], o.Offsets...),
		IDs:        append(dst.IDs[:0], o.IDs...),
		RecordKeys: append(dst.RecordKeys[:0], o.RecordKeys...),
		Event:      o.Event, Error: o.Error,
		// The keys of a rebalance are shared: nobody changes them.
		Rebalances: append(dst.Rebalances[:0], o.Rebalances...),
		Isolation:  o.Isolation, Abort: o.Abort, Group: o.Group, Producer: o.Producer,
	}
}

// Clone returns a copy that may be kept.
func (o *Op) Clone() *Op {
	c := new(Op)
	o.CopyTo(c)
	return c
}

// Sends yields the records that the operation sends, in order.
func (o *Op) Sends() iter.Seq[*Mop] {
	return func(yield func(*Mop) bool) {
		for i := range o.Mops {
			if o.Mops[i].Send && !yield(&o.Mops[i]) {
				return
			}
		}
	}
}

// Polled yields every polled record with its log, over all poll mops, in the
// order received.
func (o *Op) Polled() iter.Seq2[int64, Rec] {
	return func(yield func(int64, Rec) bool) {
		for i := range o.Mops {
			m := &o.Mops[i]
			if m.Send {
				continue
			}
			for _, run := range o.Runs[m.From:m.To] {
				for _, rec := range o.Recs[run.From:run.To] {
					if !yield(run.Key, rec) {
						return
					}
				}
			}
		}
	}
}

// AddSend adds a record to send to the log.
func (o *Op) AddSend(key, value int64) {
	o.Mops = append(o.Mops, Mop{Send: true, Key: key, Offset: OffsetUnknown, Value: value})
}

// AddPoll adds a poll without a result.
func (o *Op) AddPoll() {
	n := int32(len(o.Runs))
	o.Mops = append(o.Mops, Mop{From: n, To: n})
}

// AddRun gives the last poll a result, perhaps an empty one, of one log.
// The operation must end in a poll.
func (o *Op) AddRun(key int64, recs ...Rec) {
	from := int32(len(o.Recs))
	o.Recs = append(o.Recs, recs...)
	o.Runs = append(o.Runs, Run{Key: key, From: from, To: int32(len(o.Recs))})
	m := &o.Mops[len(o.Mops)-1]
	m.Polled, m.To = true, int32(len(o.Runs))
}

// OffsetOf returns what Offsets says of the log; false where it says nothing
// or only that it could not be had.
func (o *Op) OffsetOf(key int64) (int64, bool) {
	for _, ko := range o.Offsets {
		if ko.Key == key {
			return ko.Offset, ko.Offset >= 0
		}
	}
	return 0, false
}
