package histtest

// inner lists the acknowledged records that were polled before the final reads
// and are not the last of their logs.
func (v *view) inner() []record {
	return where(v.ackedPlaces(), func(at record) bool {
		return at.offset < v.ends[at.log]-1 && len(v.readers[at]) > 1 && v.readers[at][0].op < v.final
	})
}

// lose makes every poll pass over an acknowledged record.
func lose(v *view) (Evidence, bool) {
	at, ok := pick(v.r, v.inner())
	if !ok {
		return Evidence{}, false
	}
	value := v.valueAt(at)
	v.drop(at, everywhere)
	return Evidence{at.log, at.offset, value, []int64{v.index(v.writer[at].done)}}, true
}

// vanish makes the final reads pass over a record that was seen before.
func vanish(v *view) (Evidence, bool) {
	at, ok := pick(v.r, v.inner())
	if !ok {
		return Evidence{}, false
	}
	value, first := v.valueAt(at), v.readers[at][0].op
	v.drop(at, v.isFinal)
	return Evidence{at.log, at.offset, value, []int64{v.index(v.writer[at].done), v.index(first)}}, true
}

func (v *view) isFinal(entry int) bool { return entry >= v.final }

// cut is where a log is cut off: before the records of its last acknowledged
// send. Behind them stand at most records of sends without an outcome.
func (v *view) cut() (at record, ok bool) {
	last := map[int64]record{} // by log
	for _, s := range v.acked {
		m := v.mop(s)
		if l, ok := last[m.Key]; !ok || m.Offset > l.offset {
			last[m.Key] = record{m.Key, m.Offset}
		}
	}
	var cuts []record
	for log := range v.ends {
		if l, ok := last[int64(log)]; ok {
			cuts = append(cuts, l)
		}
	}
	return pick(v.r, where(cuts, func(at record) bool {
		return len(v.readers[at]) > 0 && v.readers[at][0].op < v.final
	}))
}

// cutOff ends the log there, from an entry on.
func (v *view) cutOff(at record, from int) {
	for offset := at.offset; offset < v.ends[at.log]; offset++ {
		v.drop(record{at.log, offset}, func(entry int) bool { return entry >= from })
	}
	v.shorten(at.log, at.offset, from)
}

// truncate ends the log before its last acknowledged send in the final reads.
func truncate(v *view) (Evidence, bool) {
	at, ok := v.cut()
	if !ok {
		return Evidence{}, false
	}
	value, first := v.valueAt(at), v.readers[at][0].op
	v.cutOff(at, v.final)
	return Evidence{at.log, at.offset, value, []int64{v.index(v.writer[at].done), v.index(first)}}, true
}

// neverAppend ends the log before its last acknowledged send in every read.
func neverAppend(v *view) (Evidence, bool) {
	at, ok := v.cut()
	if !ok {
		return Evidence{}, false
	}
	value := v.valueAt(at)
	v.cutOff(at, 0)
	return Evidence{at.log, at.offset, value, []int64{v.index(v.writer[at].done)}}, true
}
