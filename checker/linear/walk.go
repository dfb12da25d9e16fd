package linear

// walk tries the one order that a session's window leaves open: its operations
// follow each other, and appends of nobody are taken where the next operation
// needs the log to be longer. It tells whether that order is a proof: every move
// once, as the model allows it, and none before one that had returned when it
// was called. Where it is not, it says nothing, and porcupine has to search.
func (r *ranked) walk() bool {
	var s state
	latest := int64(-1) // of the calls so far
	take := func(m *move) bool {
		next, ok := s.step(m)
		if !ok || m.op.Ret < latest {
			return false
		}
		s, latest = next, max(latest, m.op.Call)
		return true
	}
	// The writes stand behind the reads, in the order of the log.
	first := len(r.moves)
	for first > 0 && r.moves[first-1].class == write {
		first--
	}
	writes := r.moves[first:]
	// upTo takes appends until the log is as long as need be.
	upTo := func(length int32) bool {
		for s.length() < length {
			n := int(s.length())
			if n >= len(writes) || writes[n].op.Kind != filler || !take(&writes[n]) {
				return false
			}
		}
		return true
	}
	for _, i := range r.byCall {
		m := &r.moves[i]
		switch {
		case m.class != write:
			if !upTo(m.lo) || !take(m) {
				return false
			}
		case m.op.Kind != filler:
			if !upTo(m.hi) || !take(m) {
				return false
			}
		}
	}
	return upTo(int32(len(writes)))
}
