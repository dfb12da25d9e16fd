package histories

import "time"

// plainJSON reads a line that is spelled as AppendJSON spells sends, polls and
// transactions of a numbered process, with no key behind the value but fetched.
// It returns false, and nothing is read, for everything else.
func plainJSON(b []byte, o *Op) bool {
	const (
		index, clock, process = `{"index":`, `,"time":`, `,"process":`
		typ, value            = `,"type":"`, `,"value":[`
	)
	if !plainPrefix(b, index) {
		return false
	}
	o.Reset()
	i := 0
	if o.Index, i = plainInt(b, len(index)); i < 0 || !plainPrefix(b[i:], clock) {
		return false
	}
	var t int64
	if t, i = plainInt(b, i+len(clock)); i < 0 || !plainPrefix(b[i:], process) {
		return false
	}
	o.Time = time.Duration(t)
	if o.Process, i = plainInt(b, i+len(process)); i < 0 || !plainPrefix(b[i:], typ) {
		return false
	}
	i += len(typ)
	switch rest := b[i:]; {
	case plainPrefix(rest, `invoke","f":"`):
		o.Type, i = Invoke, i+len(`invoke","f":"`)
	case plainPrefix(rest, `ok","f":"`):
		o.Type, i = OK, i+len(`ok","f":"`)
	case plainPrefix(rest, `fail","f":"`):
		o.Type, i = Fail, i+len(`fail","f":"`)
	case plainPrefix(rest, `info","f":"`):
		o.Type, i = Info, i+len(`info","f":"`)
	default:
		return false
	}
	switch rest := b[i:]; {
	case plainPrefix(rest, `send"`):
		o.F, i = Send, i+len(`send"`)
	case plainPrefix(rest, `poll"`):
		o.F, i = Poll, i+len(`poll"`)
	case plainPrefix(rest, `txn"`):
		o.F, i = Txn, i+len(`txn"`)
	default:
		return false
	}
	if !plainPrefix(b[i:], value) {
		return false
	}
	if i = plainMopsJSON(b, i+len(value), o); i < 0 {
		return false
	}
	if plainPrefix(b[i:], `,"fetched":[`) {
		if i = plainFetched(b, i+len(`,"fetched":[`), o); i < 0 {
			return false
		}
	}
	return i == len(b)-1 && b[i] == '}'
}

// plainMopsJSON is plainMops of a line of JSON.
func plainMopsJSON(b []byte, i int, o *Op) int {
	for {
		switch rest := b[i:]; {
		case plainPrefix(rest, `["send",`) && o.F != Poll:
			i = plainSendJSON(b, i+len(`["send",`), o)
		case plainPrefix(rest, `["poll"`) && o.F != Send:
			i = plainPollJSON(b, i+len(`["poll"`), o)
		default:
			return -1
		}
		if i < 0 || i >= len(b) {
			return -1
		}
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i++
	}
}

// plainSendJSON reads what stands behind ["send", in a line of JSON.
func plainSendJSON(b []byte, i int, o *Op) int {
	m := Mop{Send: true, Offset: OffsetUnknown}
	m.Key, i = plainInt(b, i)
	if i < 0 || i+1 >= len(b) || b[i] != ',' {
		return -1
	}
	if i++; b[i] == '[' {
		r, next, ok := plainRec(b, i, ',')
		if i = next; !ok {
			return -1
		}
		m.Offset, m.Value = r.Offset, r.Value
	} else if m.Value, i = plainInt(b, i); i < 0 {
		return -1
	}
	if i >= len(b) || b[i] != ']' {
		return -1
	}
	o.Mops = append(o.Mops, m)
	return i + 1
}

// plainPollJSON reads what stands behind ["poll" in a line of JSON: nothing, or a
// list of logs with their records.
func plainPollJSON(b []byte, i int, o *Op) int {
	m := Mop{From: int32(len(o.Runs))}
	switch {
	case i < len(b) && b[i] == ']':
		i++
	case plainPrefix(b[i:], `,[]]`):
		m.Polled = true
		i += len(`,[]]`)
	case plainPrefix(b[i:], `,[[`):
		m.Polled = true
		for i += len(`,[[`); ; i += len(`,[`) {
			if i = plainRunJSON(b, i, o); i < 0 {
				return -1
			}
			if plainPrefix(b[i:], `]]`) {
				i += len(`]]`)
				break
			}
			if !plainPrefix(b[i:], `,[`) {
				return -1
			}
		}
	default:
		return -1
	}
	m.To = int32(len(o.Runs))
	o.Mops = append(o.Mops, m)
	return i
}

// plainRunJSON reads a log and its records, perhaps none, up to the end of the
// run.
func plainRunJSON(b []byte, i int, o *Op) int {
	run := Run{From: int32(len(o.Recs))}
	run.Key, i = plainInt(b, i)
	switch {
	case i < 0:
		return -1
	case plainPrefix(b[i:], `,[]]`):
		i += len(`,[]`)
	case plainPrefix(b[i:], `,[[`):
		i = plainRecs(b, i+len(`,[`), ',', o)
	default:
		return -1
	}
	if i < 0 || i >= len(b) || b[i] != ']' {
		return -1
	}
	run.To = int32(len(o.Recs))
	o.Runs = append(o.Runs, run)
	return i + 1
}

// plainFetched reads one [key,position,high watermark] or more, perhaps with a
// leader epoch, behind the bracket that opens their list, and the bracket that
// closes it.
func plainFetched(b []byte, i int, o *Op) int {
	for {
		if i >= len(b) || b[i] != '[' {
			return -1
		}
		v, n := [4]int64{3: -1}, 0
		for i++; n < len(v); n++ {
			if v[n], i = plainInt(b, i); i < 0 || i >= len(b) {
				return -1
			}
			if b[i] != ',' {
				break
			}
			i++
		}
		if n < 2 || n > 3 || b[i] != ']' || i+1 >= len(b) {
			return -1
		}
		o.Fetched = append(o.Fetched, Fetched{v[0], v[1], v[2], v[3]})
		if i++; b[i] == ']' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i++
	}
}
