package linear

// Config says how a log is judged. The zero value is strict.
type Config struct {
	Log   int64 // its key, for the windows
	Model Model
	// Atomic says that a produce is one batch, which is read whole or not at
	// all: a read bound inside it is rounded to its edge. Otherwise its records
	// are taken to be appended one by one.
	Atomic bool
	// Size is the number of produces in a window; 0: DefaultSize.
	Size int
	// Window takes the windows, in their order; nil: none are cut.
	Window func(Window)
}

// DefaultSize is the number of produces in a window: large enough that few
// reads straddle two of them, small enough that porcupine never has to search far.
const DefaultSize = 256

// recent is how many returned operations a log remembers to name good
// witnesses and to draw what surrounds a violation.
const recent = 1024

// Log judges the operations of one log as they return.
//
// Memory: one step of the staircase and one remembered operation for each that
// is in flight, and a constant.
type Log struct {
	cfg      Config
	flight   *Flight
	stair    stair
	sessions map[int64]*session
	ring     []Op // the last returned operations, oldest at ring[at] once full
	at       int
	returned int64
	strikes  map[int64]int // by completion: how often a witness stood alone
	cut      cutter
}

// Past is what had been proven of a log when an operation was called. Its
// length never changes: an operation that returns later brings it along.
type Past struct {
	Length int64
	By     Op // who proved it; Kind filler where nothing was proven
}

// NewLog returns an empty log whose operations are in flight f.
func NewLog(cfg Config, f *Flight) *Log {
	if cfg.Size <= 0 {
		cfg.Size = DefaultSize
	}
	l := &Log{cfg: cfg, flight: f, sessions: map[int64]*session{}, strikes: map[int64]int{}}
	l.cut = cutter{cfg: &l.cfg, maxCall: -1, cutAt: -1}
	return l
}

// Past returns what had been proven before a call at t by process. It is exact
// for calls that are in flight.
func (l *Log) Past(t, process int64) Past {
	if l.cfg.Model == Session {
		if s := l.sessions[process]; s != nil {
			return Past{s.length, s.by}
		}
		return Past{By: Op{Kind: filler}}
	}
	s := l.stair.before(t)
	if s == &l.stair.floor {
		return Past{By: Op{Kind: filler}}
	}
	return Past{s.length, s.by}
}

// Return judges an operation by the moment it returns. Operations come in the
// order of their returns; each must still be in flight or have been until now.
func (l *Log) Return(op Op) (Violation, bool) {
	var past Past
	switch {
	case l.cfg.Model == Session:
		return l.inSession(op)
	case l.cfg.Model == Kafka && op.Kind == Fetch:
		return l.fetched(op)
	}
	if s := l.stair.before(op.Call); s.length > op.Hi {
		past = Past{s.length, s.by}
	}
	return l.judge(op, past)
}

// Seen judges a produce whose outcome is unknown, or whose offset is, at the
// moment its record is read. past is what Past said at its call: by now the
// log may have forgotten it. op.Ret is that moment, which loses nothing: the
// read that saw the record proves the same length then.
func (l *Log) Seen(op Op, past Past) (Violation, bool) {
	if l.cfg.Model == Session {
		return violation(&op, past)
	}
	return l.judge(op, past)
}

func violation(op *Op, past Past) (Violation, bool) {
	if past.Length <= op.Hi {
		return Violation{}, false
	}
	op.violates = true
	return Violation{A: *op, B: past.By}, true
}

// judge holds an operation against what was proven before its call, and takes
// it into the log.
func (l *Log) judge(op Op, past Past) (Violation, bool) {
	v, bad := violation(&op, past)
	if bad {
		if b, ok := partner(&op, l.ring); ok {
			v.B = b
		}
		l.contradicted(&op)
	}
	l.take(op)
	return v, bad
}

// take remembers an operation as a witness and gives it to a window.
func (l *Log) take(op Op) {
	l.remember(op)
	if op.Suspect {
		return
	}
	l.stair.prove(op.Ret, op.Lo, &op, l.flight)
	if l.cfg.Window != nil {
		l.cut.add(op)
		l.cut.try(op.Ret, l.flight.Oldest(), &l.stair)
	}
}

// Returned is the number of operations that have returned.
func (l *Log) Returned() int64 { return l.returned }

func (l *Log) remember(op Op) {
	l.returned++
	if len(l.ring) < recent {
		l.ring = append(l.ring, op)
		return
	}
	l.ring[l.at] = op
	l.at = (l.at + 1) % recent
}

// Recent returns the last operations that returned, in that order.
func (l *Log) Recent() []Op {
	out := make([]Op, 0, len(l.ring))
	out = append(out, l.ring[l.at:]...)
	return append(out, l.ring[:l.at]...)
}

// Age says how old a state of the given length was at a call: how long before
// it a greater length had been proven, and by whom. 0 is not old. Ages beyond
// the last thousand appends are a little too small.
func (l *Log) Age(call, length int64) (age int64, by Op) {
	if s := l.stair.above(length); s != nil && s.at < call {
		return call - s.at, s.by
	}
	return 0, Op{}
}

// Finish cuts the last windows. Nothing may return afterwards.
func (l *Log) Finish() {
	if l.cfg.Window == nil {
		return
	}
	for _, s := range l.inOrder() {
		l.flush(s)
	}
	l.cut.finish(&l.stair)
}
