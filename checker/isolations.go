package checker

import "github.com/ackproof/ackproof/histories"

// isolations follows which records each process reads: an assignment may say
// so, the contract says it for everybody else.
type isolations struct {
	contract bool // the contract says read_committed
	// unstated: the contract says nothing, and a process that says nothing is
	// held to what Jepsen's checker demands of every reader: no aborted records.
	unstated bool
	procs    processes[histories.Isolation]
	any      bool // some process has stated its own
	retires  func(*histories.Op) bool
}

func newIsolations(e *Env) isolations {
	return isolations{
		contract: e.Contract.Isolation == histories.ReadCommitted.String(),
		unstated: e.Contract.Isolation == "", retires: e.retires,
	}
}

func (s *isolations) observe(op *histories.Op) {
	switch {
	case op.F == histories.Assign && op.Type == histories.OK && op.Isolation != histories.IsolationContract && op.Process >= 0:
		s.any = true
		*s.procs.at(op.Process) = op.Isolation
	case s.any && op.Process >= 0 && s.retires(op):
		s.procs.drop(op.Process)
	}
}

// committed tells whether a process must not be given records of transactions
// that are not committed.
func (s *isolations) committed(process int64) bool {
	return s.stable(process) || s.unstated && s.of(process) == histories.IsolationContract
}

// stable tells whether what a process reads ends at the last stable offset.
func (s *isolations) stable(process int64) bool {
	if i := s.of(process); i != histories.IsolationContract {
		return i == histories.ReadCommitted
	}
	return s.contract
}

// of returns what the process has stated.
func (s *isolations) of(process int64) histories.Isolation {
	if !s.any || process < 0 {
		return histories.IsolationContract
	}
	return *s.procs.at(process)
}
