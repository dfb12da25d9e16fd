package linear

import "slices"

// session is what one process has proven of a log, and under the session model
// its operations since the last window.
type session struct {
	process int64
	length  int64
	by      Op
	base    int64 // length when the open window began
	ops     []Op
}

// sessionWindow is how many operations of one session porcupine gets at a time.
const sessionWindow = 256

func (l *Log) session(process int64) *session {
	s := l.sessions[process]
	if s == nil {
		s = &session{process: process, by: Op{Kind: filler}}
		l.sessions[process] = s
	}
	return s
}

// EndSession forgets what a process has proven: it is gone, or it was told to
// read somewhere else.
func (l *Log) EndSession(process int64) {
	s := l.sessions[process]
	if s == nil {
		return
	}
	l.flush(s)
	delete(l.sessions, process)
}

// fetched judges a fetch under the Kafka model: it may be served from an older
// state than others have seen, but not from one older than its own session
// has. The length it saw was there by its return, for everybody.
func (l *Log) fetched(op Op) (Violation, bool) {
	s := l.session(op.Process)
	v, bad := violation(&op, Past{s.length, s.by})
	if op.Lo > s.length {
		s.length, s.by = op.Lo, op
	}
	op.Hi = Inf
	op.violates = false // in the windows only its lower bound is left, and that is fine
	l.take(op)
	return v, bad
}

// inSession judges an operation under the session model.
func (l *Log) inSession(op Op) (Violation, bool) {
	s := l.session(op.Process)
	v, bad := violation(&op, Past{s.length, s.by})
	if !op.Suspect && l.cfg.Window != nil {
		s.ops = append(s.ops, op)
	}
	if op.Lo > s.length && !op.Suspect {
		s.length, s.by = op.Lo, op
	}
	l.remember(op)
	if len(s.ops) >= sessionWindow {
		l.flush(s)
	}
	return v, bad
}

// flush gives the session's operations to a window of their own. Between
// sessions nothing is ordered, so the appends of others are fillers there; a
// sentinel stands for what the session had proven before.
func (l *Log) flush(s *session) {
	if len(s.ops) == 0 {
		return
	}
	w := Window{Log: l.cfg.Log, Start: s.base, End: Inf, Atomic: l.cfg.Atomic, Session: true, Closed: len(s.ops), Ops: s.ops}
	for i := range w.Ops {
		// The order of a session is that of its calls, also where the clock
		// shows the same time.
		w.Ops[i].Call, w.Ops[i].Ret = int64(2*i+1), int64(2*i+2)
		w.Start = min(w.Start, w.Ops[i].Hi)
	}
	if s.base > 0 {
		w.Ops = append(w.Ops, sentinel(Op{Call: -1, Ret: 0, Lo: s.base, Hi: Inf}))
	}
	s.base, s.ops = s.length, nil
	if len(w.Ops) >= sessionWindow { // the next one will be as long, sentinel included
		s.ops = make([]Op, 0, sessionWindow+1)
	}
	l.cfg.Window(w)
}

// inOrder returns the sessions by process, so that windows come in the same
// order whenever a history is judged.
func (l *Log) inOrder() []*session {
	all := make([]*session, 0, len(l.sessions))
	for _, s := range l.sessions {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *session) int {
		switch {
		case a.process < b.process:
			return -1
		case a.process > b.process:
			return 1
		}
		return 0
	})
	return all
}
