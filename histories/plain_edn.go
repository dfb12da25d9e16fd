package histories

import "time"

// plainEDN reads an entry that is spelled as Clojure prints it: sends, polls and
// transactions of a numbered process, one space between tokens, a comma before
// each key but the first, plain numbers. That is nearly all there is to read in a
// Jepsen history. It returns false, and nothing is read, for whatever is spelled
// otherwise, has other keys, or is wrong: decode reads that, and says why.
func (d *decoder) plainEDN(b []byte, o *Op) bool {
	const (
		index = 1 << iota
		clock
		process
		typ
		function
		value
	)
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	o.Reset()
	o.Index, o.Time = -1, -1
	seen, now, i := 0, 0, 1
	for {
		rest := b[i:]
		switch {
		case plainPrefix(rest, ":index "):
			now = index
			o.Index, i = plainInt(b, i+len(":index "))
		case plainPrefix(rest, ":time "):
			now = clock
			var t int64
			t, i = plainInt(b, i+len(":time "))
			o.Time = time.Duration(t)
		case plainPrefix(rest, ":process "):
			now = process
			o.Process, i = plainInt(b, i+len(":process "))
		case plainPrefix(rest, ":type :"):
			now = typ
			o.Type, i = plainType(b, i+len(":type :"))
		case plainPrefix(rest, ":f :"):
			now = function
			o.F, i = plainF(b, i+len(":f :"))
		case plainPrefix(rest, ":value [") && seen&(process|function) == process|function:
			now = value
			i = plainMops(b, i+len(":value ["), o)
		default:
			return false
		}
		if i < 0 || seen&now != 0 || i >= len(b) {
			return false
		}
		seen |= now
		if b[i] == '}' {
			break
		}
		if i+1 >= len(b) || b[i] != ',' || b[i+1] != ' ' {
			return false
		}
		i += 2
	}
	if seen&(typ|value) != typ|value {
		return false
	}
	d.reset(b)
	d.i = i + 1
	return true
}

// plainType reads a type up to its delimiter.
func plainType(b []byte, i int) (Type, int) {
	switch rest := b[i:]; {
	case plainPrefix(rest, "invoke,"):
		return Invoke, i + len("invoke")
	case plainPrefix(rest, "ok,"):
		return OK, i + len("ok")
	case plainPrefix(rest, "fail,"):
		return Fail, i + len("fail")
	case plainPrefix(rest, "info,"):
		return Info, i + len("info")
	}
	return 0, -1
}

// plainF reads the name of an operation on records, up to its delimiter.
func plainF(b []byte, i int) (F, int) {
	switch rest := b[i:]; {
	case plainPrefix(rest, "send,"):
		return Send, i + len("send")
	case plainPrefix(rest, "poll,"):
		return Poll, i + len("poll")
	case plainPrefix(rest, "txn,"):
		return Txn, i + len("txn")
	}
	return 0, -1
}

// plainMops reads micro-operations behind the bracket that opens their list, and
// the bracket that closes it.
func plainMops(b []byte, i int, o *Op) int {
	for {
		switch rest := b[i:]; {
		case plainPrefix(rest, "[:send ") && o.F != Poll:
			i = plainSend(b, i+len("[:send "), o)
		case plainPrefix(rest, "[:poll") && o.F != Send:
			i = plainPoll(b, i+len("[:poll"), o)
		default:
			return -1
		}
		if i < 0 || i >= len(b) {
			return -1
		}
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != ' ' {
			return -1
		}
		i++
	}
}

// plainSend reads what stands behind [:send, key value] or key [offset value]].
func plainSend(b []byte, i int, o *Op) int {
	m := Mop{Send: true, Offset: OffsetUnknown}
	m.Key, i = plainInt(b, i)
	if i < 0 || i+1 >= len(b) || b[i] != ' ' {
		return -1
	}
	if i++; b[i] == '[' {
		r, next, ok := plainRec(b, i, ' ')
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

// plainPoll reads what stands behind [:poll, nothing or a map of logs to
// records.
func plainPoll(b []byte, i int, o *Op) int {
	m := Mop{From: int32(len(o.Runs))}
	switch {
	case i < len(b) && b[i] == ']':
		i++
	case plainPrefix(b[i:], " {}]"):
		m.Polled = true
		i += len(" {}]")
	case plainPrefix(b[i:], " {"):
		m.Polled = true
		for i += len(" {"); ; i += len(", ") {
			if i = plainRun(b, i, o); i < 0 {
				return -1
			}
			if plainPrefix(b[i:], "}]") {
				i += len("}]")
				break
			}
			if !plainPrefix(b[i:], ", ") {
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

// plainRun reads a log and its records, of which there is at least one.
func plainRun(b []byte, i int, o *Op) int {
	run := Run{From: int32(len(o.Recs))}
	if run.Key, i = plainInt(b, i); i < 0 || !plainPrefix(b[i:], " [[") {
		return -1
	}
	if i = plainRecs(b, i+len(" ["), ' ', o); i < 0 {
		return -1
	}
	run.To = int32(len(o.Recs))
	o.Runs = append(o.Runs, run)
	return i
}
