package checker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

var no = false

// promised is the header of a run whose contract allows nothing.
func promised(final bool) histories.Header {
	return histories.Header{Format: 1, FinalReads: final, Contract: histories.Contract{
		Acks: "all", Attempts: "single", UncleanElection: &no, Retention: "none", Cleanup: "delete", Consumers: "assign", Reads: Session,
	}}
}

// Final reads of log 0 that list the end and then read it, as process 9.
const readEnd = "; nemesis phase final; p9 e 0:"

// TestKinds holds each kind to a guilty history and its nearest innocent
// twins; want is the verdict's headlines, and after the slash what follows them.
func TestKinds(t *testing.T) {
	for _, c := range kindCases {
		t.Run(c.name, func(t *testing.T) { c.test(t, Session) })
	}
	for _, c := range stableCases {
		t.Run(c.name, func(t *testing.T) { c.test(t, Strict) })
	}
}

// kindCase is a history with the headlines of its verdict.
type kindCase struct{ name, want, history string }

// final tells whether the history has final reads.
func (c *kindCase) final() bool { return strings.HasSuffix(c.history, "end") }

// final are final reads of log 0 that list an end and return records.
func final(end, polls string) string {
	return readEnd + end + "; p9 a 0 seek=beginning; p9 p " + polls + "; nemesis phase end"
}

// finals are final reads of two logs that end at offset 2, with a record each.
const finals = readEnd + "2 1:2; p9 a 0 1 seek=beginning pos=0:0 pos=1:0; p9 p 1@0 k1 3@1 fetch=0:0/2 fetch=1:0/2; p9 p {} fetch=0:2/2 fetch=1:2/2; nemesis phase end"

// eos begins where a group has committed nothing.
const eos = "p3 s 1@0; p0 a 0 seek=committed group=g pos=0:0; "

var kindCases = []kindCase{
	{"corrupt", "corrupt-record 1 / unseen 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 -1@1 bad=0:1:corrupt"},
	{"corrupt and lost", "corrupt-record 1 / truncated-ack 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1" + final("2", "1@0 -1@1 bad=0:1:corrupt")},
	{"corrupt but readable", "corrupt-record 1", "p0 s 1@0; p1 p 1@0 bad=0:0:corrupt" + final("1", "1@0 bad=0:0:corrupt")},
	{"foreign", "phantom-read 1", "p0 s 1@0; p1 p 1@0 -1@1 bad=0:1:foreign" + final("2", "1@0 -1@1 bad=0:1:foreign")},
	{"never sent", "phantom-read 1", "p0 s 1@0; p1 p 1@0 99@1" + final("2", "1@0 99@1")},
	{"misrouted by payload", "misrouted-record 1", "p0 s k1 5@0; p0 s 1@0; p1 p 1@0 5@1 bad=0:1:misrouted; p1 p k1 5@0"},
	{"misrouted by value", "misrouted-record 1", "p0 s k1 5@0; p0 s 1@0; p1 p 1@0 5@1; p1 p k1 5@0"},
	{"values of each log by themselves", "phantom-read 1", "p0 s k1 5@0; p0 s k1 1@1; p0 s 1@0; p1 p 1@0 5@1; p1 p k1 5@0 1@1"},

	{"two values polled", "inconsistent-offset 1", "p0 s 1@0; p3 s 2 !info; p1 p 1@0; p2 p 2@0; p4 p 1@0" + final("1", "1@0")},
	{"wrong acknowledged offset", "inconsistent-offset 1 / duplicate 1, nonmonotonic-send 1, offset-regression 1",
		"p0 s 1@0; p0 s 2@0; p1 p 1@0 2@1" + final("2", "1@0 2@1")},
	{"one value twice at its offset", "", "p0 s 1@0; p1 p 1@0; p2 p 1@0" + final("1", "1@0")},

	{"truncated after it was read", "truncated-ack 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1" + final("1", "1@0")},
	{"truncated inside", "truncated-ack 1 / poll-skip 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1" + readEnd + "2; p9 a 0 seek=beginning pos=0:0; p9 p 2@1 fetch=0:0; nemesis phase end"},
	{"offset reused", "truncated-ack 1 / inconsistent-offset 1", "p0 s 1@0; p1 s 2@0; p2 p 2@0" + final("1", "2@0")},
	{"lost below the end", "lost-write 1 / int-poll-skip 1", "p0 s 1@0; p0 s 2@1; p0 s 3@2" + final("3", "1@0 3@2")},
	{"unseen at the end", "unseen 1", "p0 s 1@0; p0 s 2@1" + final("1", "1@0")},
	{"unseen without offset", "invalid-ack 1", "p0 s 1@0; p0 s 2@?; p1 p 1@0 2@1" + final("2", "1@0 2@1")},
	{"unknown and absent", "", "p0 s 1@0; p0 s 2 !info" + final("1", "1@0")},
	{"failed and absent", "", "p0 s 1@0; p0 s 2 !fail" + final("1", "1@0")},
	{"nothing is missing", "", "p0 s 1@0; p0 s 2@1; p1 p 1@0" + final("2", "1@0 2@1")},
	{"a hole that nobody fills", "", "p0 s 1@0; p0 s 2@5; p1 p 1@0 2@5" + final("6", "1@0 2@5")},
	{"final reads by two processes", "", "p0 s 1@0; p0 s 2@1; nemesis phase final; p8 e 0:2; p8 a 0 seek=beginning; p8 p 1@0; p9 a 0 pos=0:1; p9 p 2@1; nemesis phase end"},

	{"duplicate", "duplicate 1", "p0 s 1@0; p1 p 1@0 1@1" + final("2", "1@0 1@1")},
	{"aborted", "aborted-read 2", "p0 s 1 !fail; p1 p 1@0; p2 p 1@0"},
	{"aborted, read before it failed", "aborted-read 2", "p0 > s 1; p1 p 1@0; p2 p 1@0; p0 < s 1 !fail"},
	{"aborted, seen by a failed poll", "", "p0 s 1 !fail; p0 s 2@1; p1 p 1@0 !fail; p1 p 2@1"},
	{"sent again with success", "", "p0 s 1 !fail; p0 s 1@0; p1 p 1@0"},
	{"future", "future-read 1", "p1 p 1@0; p0 s 1@0"},
	{"read while it is sent", "", "p0 > s 1; p1 p 1@0; p0 < s 1@0"},
	{"never completed, read", "", "p0 > s 1; p1 p 1@0"},

	{"swapped in a request", "int-nonmonotonic-send 1 / offset-regression 1", "p0 s 1@1 2@0; p1 p 2@0 1@1"},
	{"swapped in an unknown request", "int-nonmonotonic-send 1", "p0 s 1 2 !info; p1 p 2@0 1@1"},
	{"swapped between requests", "nonmonotonic-send 1 / offset-regression 1", "p0 s 1@1; p0 s 2@0; p1 p 2@0 1@1"},
	{"swapped across an assignment", "nonmonotonic-send 1 / offset-regression 1", "p0 s 1@1; p0 a 3; p0 s 2@0; p1 p 2@0 1@1"},
	{"swapped by two processes", "", "p0 > s 1; p1 > s 2; p0 < s 1@1; p1 < s 2@0; p2 p 2@0 1@1"},
	{"a failed send in between", "", "p0 s 1@0; p0 s 2 !fail; p0 s 3@1; p1 p 1@0 3@1"},

	{"back in a poll", "int-nonmonotonic-poll 1", "p0 s 1@0 2@1; p1 p 2@1 1@0"},
	{"twice in a poll", "int-nonmonotonic-poll 1", "p0 s 1@0; p1 p 1@0 1@0"},
	{"back between polls", "nonmonotonic-poll 1", "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 p 1@0"},
	{"back after a seek", "", "p0 s 1@0 2@1; p1 a 0; p1 p 1@0 2@1; p1 a 0 seek=back:1; p1 p 1@0"},
	{"back after a failed poll", "", "p0 s 1@0 2@1; p1 p 1@0; p1 p 2@1 !fail; p1 p 2@1"},
	{"back though the position says so", "nonmonotonic-poll 1", "p0 s 1@0 2@1; p1 p 1@0 2@1 fetch=0:0; p1 p 1@0 fetch=0:0"},
	{"back after out of range", "", `p0 s 1@0 2@1; p1 p 1@0 2@1 fetch=0:0; p1 p !fail "OFFSET_OUT_OF_RANGE"; p1 p 1@0 fetch=0:0`},
	{"back after an empty poll", "nonmonotonic-poll 1", "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 p; p1 p 1@0"},
	{"kept by an assignment", "nonmonotonic-poll 1", "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 a 0 1; p1 p 1@0"},

	{"skip between polls", "poll-skip 1", "p0 s 1@0 2@1 3@2; p1 p 1@0; p1 p 3@2; p2 p 2@1"},
	{"skip told later", "poll-skip 1", "p0 s 1@0; p0 s 3@2; p3 s 2 !info; p1 p 1@0; p1 p 3@2; p2 p 2@1"},
	{"skip in a poll", "int-poll-skip 1", "p0 s 1@0 2@1 3@2; p1 p 1@0 3@2; p2 p 2@1"},
	{"skip from the position", "poll-skip 1", "p0 s 1@0 2@1; p1 a 0 pos=0:0; p1 p 2@1 fetch=0:0; p2 p 1@0"},
	{"skip twice", "poll-skip 2", "p0 s 1@0 2@1 3@2; p1 p 1@0; p1 p 3@2; p2 p 1@0; p2 p 3@2; p3 p 2@1"},
	{"skip after a new assignment", "", "p0 s 1@0 2@1 3@2; p1 p 1@0; p1 a 1; p1 a 0; p1 p 3@2; p2 p 2@1"},

	{"a batch with another record inside", "torn-batch 1 / int-send-skip 1", "p0 > s 1 2; p2 > s 3; p0 < s 1@0 2@2; p2 < s 3@1; p1 p 1@0 3@1 2@2" + final("3", "1@0 3@1 2@2")},
	{"a batch read with another record inside", "torn-batch 1 / int-send-skip 1", "p0 s 1 2 !info; p2 s 3@1; p1 p 1@0 3@1 2@2" + final("3", "1@0 3@1 2@2")},
	{"half of an unknown batch", "torn-batch 1", "p0 s 1 2 !info; p2 s 3@1" + final("2", "1@0 3@1")},
	{"the other half of an unknown batch", "torn-batch 1", "p0 s 1 2 !info; p2 s 3@1" + final("2", "2@0 3@1")},
	{"the whole of an unknown batch", "", "p0 s 1 2 !info; p2 s 3@2" + final("3", "1@0 2@1 3@2")},
	{"nothing of an unknown batch", "", "p0 s 1 2 !info; p2 s 3@0" + final("1", "3@0")},
	{"a batch that its listed end cuts", "unseen 1", "p0 s 1@0 2@1; p2 p 1@0" + final("1", "1@0")},
	{"another producer in between", "int-send-skip 1 (informational), G0 1 (informational)", "p0 > t s 1 2; p1 > s 3; p0 < t s 1@0 2@2; p1 < s 3@1; p2 p 1@0 3@1 2@2"},
	{"a marker in between", "", "p0 t s 1@0 2@2; p2 p 1@0 2@2"},
	{"deleted early", "deleted-early 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1" + "; nemesis phase final; p9 b 0:1; p9 e 0:2; p9 a 0 seek=beginning; p9 p 2@1; nemesis phase end"},
	{"a start that nobody wrote below", "", "p0 s 1@5" + "; nemesis phase final; p9 b 0:5; p9 e 0:6; p9 a 0 seek=beginning; p9 p 1@5; nemesis phase end"},
	{"an epoch falls", "leader-epoch-regression 1", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 fetch=0:0/3~4; p1 p 2@1 fetch=0:1/3~7; p1 p 3@2 fetch=0:2/3~4; p2 p 1@0 2@1 3@2"},
	{"an epoch falls between readers", "leader-epoch-regression 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 fetch=0:0/2~4; p2 p 1@0 2@1 fetch=0:0/2~3; p3 p 1@0 2@1 fetch=0:0/2~3"},
	{"one record under two epochs", "leader-epoch-regression 1", "p0 s 1@0; p1 p 1@0 fetch=0:0/1~4; p2 p 1@0 fetch=0:0/1~5; p3 p 1@0 fetch=0:0/1~4"},
	{"epochs rise", "", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 fetch=0:0/3~4; p1 p 2@1 fetch=0:1/3~4; p1 p 3@2 fetch=0:2/3~7; p2 p 1@0 2@1 fetch=0:0/3~4; p3 p 1@0 2@1 3@2 fetch=0:0/3~7"},

	{"not whole after the heal", "no-recovery 1", "p0 s 1@0; nemesis inject id=0 fault=down on=n1; nemesis bite id=0 fault=down on=n1 held=true; nemesis healed id=0 fault=down on=n1 held=true; p1 p 1@0; nemesis whole held=false"},
	{"whole after the heal", "", "p0 s 1@0; nemesis inject id=0 fault=down on=n1; nemesis bite id=0 fault=down on=n1 held=true; nemesis healed id=0 fault=down on=n1 held=true; p1 p 1@0; nemesis whole held=true"},
	{"not whole while a fault acts", "", "p0 s 1@0; nemesis healed id=-1 held=true; nemesis inject id=1 fault=down on=n1; nemesis bite id=1 fault=down on=n1 held=true; p1 p 1@0; nemesis whole held=false; nemesis healed id=1 fault=down on=n1 held=true"},
	{"not whole, and nothing was broken", "", "p0 s 1@0; p1 p 1@0; nemesis whole held=false"},
	{"its own record before the commit", "precommitted-read 1", "p0 t s 1@0 | p 1@0; p1 p 1@0"},
	{"its own record, read by whoever reads everything", "", "p0 a 0 pos=0:0 iso=uncommitted; p0 t s 1@0 | p 1@0; p1 p 1@0"},
	{"its own record after the commit", "", "p0 t s 1@0; p0 t p 1@0"},
	{"half of a transaction", "torn-transaction 1 / lost-write 1, poll-skip 1", "p0 t s 1@0 k1 2@0; p0 s k1 3@1" + finals},
	{"half of an unknown transaction", "torn-transaction 1", "p0 t s 1 k1 2 !info; p3 s k1 3@1" + finals},
	{"nothing of an unknown transaction", "", "p0 t s 5 k1 2 !info; p3 s 1@0; p3 s k1 3@1" + finals},
	{"half of an aborted transaction, for readers of everything", "", "p0 t s 5@1 k1 2@0 !fail; p3 s 1@0; p3 s k1 3@1; p7 a 0 iso=uncommitted pos=0:0; p7 p 1@0 5@1" + finals},
	{"fenced and committed", "fenced-producer-committed 1", "p0 t s 1@0 by=1:5:0; p1 f 1 by=1:6:1; p0 t s 2@2 by=1:5:0; p2 p 1@0 2@2"},
	{"fenced, committed and read", "fenced-producer-committed 1", "p0 t s 1@0 by=1:5:0; p1 t s 9@1 by=1:6:1; p0 t s 2@2 !info by=1:5:0; p2 p 1@0 9@1 2@2"},
	{"fenced, and nobody knows of a commit", "", "p0 t s 1@0 by=1:5:0; p1 f 1 by=1:6:1; p0 t s 2@2 !info by=1:5:0; p2 p 1@0"},
	{"fenced while it commits", "", "p0 t s 1@0 by=1:5:0; p0 > t s 2; p1 f 1 by=1:6:1; p0 < t s 2@2 by=1:5:0; p2 p 1@0 2@2"},
	{"another transactional id is fenced", "", "p0 t s 1@0 by=1:5:0; p1 f 2 by=2:6:1; p0 t s 2@2 by=1:5:0; p2 p 1@0 2@2"},
	{"fenced by whom nobody heard of", "", "p0 t s 1@0 by=1:5:0; p1 f 1 !info; p0 t s 2@2 by=1:5:0; p2 p 1@0 2@2"},
	{"initialized again after the fence", "", "p0 t s 1@0 by=1:5:0; p1 f 1 by=1:6:1; p0 t s 2@2 by=1:7:2; p0 t s 3@4 by=1:7:2; p2 p 1@0 2@2 3@4"},
	{"one effect in two transactions", "eos-duplicate-effect 1", eos + "p0 t p 1@0 | s k1 11@0 group=g; p0 a 0 seek=committed group=g pos=0:0; p0 t p 1@0 | s k1 12@2 group=g; p2 p k1 11@0 12@2"},
	{"one effect in an unknown transaction that was read", "eos-duplicate-effect 1", eos + "p0 t p 1@0 | s k1 11 !info group=g; p1 a 0 seek=committed group=g pos=0:0; p1 t p 1@0 | s k1 12@2 group=g; p2 p k1 11@0 12@2"},
	{"one effect after an aborted transaction", "", eos + "p0 t p 1@0 | s k1 11@0 !fail group=g; p0 t p 1@0 | s k1 12@2 group=g; p2 p k1 12@2"},
	{"one effect in two groups", "", eos + "p0 t p 1@0 | s k1 11@0 group=g; p1 a 0 seek=committed group=h pos=0:0; p1 t p 1@0 | s k1 12@2 group=h; p2 p k1 11@0 12@2"},
	{"one effect, taken again on purpose", "", eos + "p0 t p 1@0 | s k1 11@0 group=g; p0 a 0 seek=beginning pos=0:0; p0 t p 1@0 | s k1 12@2 group=g; p2 p k1 11@0 12@2"},
	{"two read each other", "G1c 1", "p0 > t s 1 | p; p1 > t s k1 2 | p; p0 < t s 1@0 | p k1 2@0; p1 < t s k1 2@0 | p 1@0; p2 p 1@0 k1 2@0"},
	{"read before it read", "G1c 1", "p0 > t s 1 | p; p2 p 1@0; p1 s k1 2@0; p0 < t s 1@0 | p k1 2@0"},
	{"read after it read", "", "p0 > t s 1 | p; p1 s k1 2@0; p0 < t s 1@0 | p k1 2@0; p2 p 1@0"},
	{"two read each other's open records", "", "p0 a 1 iso=uncommitted pos=1:0; p1 a 0 iso=uncommitted pos=0:0; p0 > t s 1 | p; p1 > t s k1 2 | p; p0 < t s 1@0 | p k1 2@0; p1 < t s k1 2@0 | p 1@0; p2 p 1@0 k1 2@0"},
	{"two wrote before each other", "G0 1 (informational)", "p0 > t s 1 k1 2; p1 > t s 4 k1 3; p0 < t s 1@0 k1 2@1; p1 < t s 4@1 k1 3@0; p2 p 1@0 4@1 k1 3@0 2@1"},
	{"one read what another wrote before it", "G1c 1 (informational)", "p0 > t s 1 | p; p1 > t s 2 k1 3; p0 < t s 1@1 | p k1 3@0; p1 < t s 2@2 k1 3@0; p2 p 1@1 2@2 k1 3@0"},
	{"start moves back", "log-start-regression 1", "p0 s 1@9; p1 p 1@9; p1 b 0:5; p1 b 0:3"},
	{"start moves up", "", "p0 s 1@9; p1 p 1@9; p1 b 0:3; p1 b 0:5"},
	{"start moves back behind an acknowledged deletion", "log-start-regression 1", "p0 s 1@0 2@1 3@2; p1 p 1@0 2@1 3@2; p1 trim 0:2; p1 b 0:0"},
	{"start moves back, told by a leader that had no acknowledgement", "", "p0 s 1@0 2@1 3@2; p1 p 1@0 2@1 3@2; p2 > trim 0:2; p1 b 0:2; p1 b 0:0; p2 < trim !info"},
	{"start moves back for another process", "", "p0 s 1@0 2@1 3@2; p1 p 1@0 2@1 3@2; p1 trim 0:2; p2 b 0:0"},

	{"deleted on request", "", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; p2 trim 0:1; nemesis phase final; p9 b 0:1; p9 e 0:2; p9 a 0 seek=beginning pos=0:1; p9 p 2@1; nemesis phase end"},
	{"deleted by a request that nobody answered", "", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; p2 trim 0:1 !info; nemesis phase final; p9 b 0:1; p9 e 0:2; p9 a 0 seek=beginning pos=0:1; p9 p 2@1; nemesis phase end"},
	{"deleted beyond the request", "deleted-early 1", "p0 s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 2@1 3@2; p2 trim 0:1; nemesis phase final; p9 b 0:2; p9 e 0:3; p9 a 0 seek=beginning pos=0:2; p9 p 3@2; nemesis phase end"},
	{"deleted before the request", "deleted-early 1", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; p1 b 0:1; p2 trim 0:1; nemesis phase final; p9 b 0:1; p9 e 0:2; p9 a 0 seek=beginning pos=0:1; p9 p 2@1; nemesis phase end"},
	{"deleted while it is read", "", "p0 s 1@0 2@1 3@2; p3 p 1@0 2@1 3@2; p1 p 1@0; p2 trim 0:2; p1 p 3@2"},
	{"deleted between the listing and the final read", "", "p0 s 1@0; p0 s 2@1; p1 p 1@0 2@1; p2 > trim 0:1; nemesis phase final; p9 b 0:0; p9 e 0:2; p2 < trim !info; p9 a 0 seek=beginning pos=0:1; p9 p 2@1; nemesis phase end"},
	{"deleted and read again", "deleted-record-read 1", "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 trim 0:1; p1 a 0 seek=beginning; p1 p 1@0 2@1"},
	{"deleted and read by somebody else", "", "p0 s 1@0 2@1; p1 p 1@0 2@1; p1 trim 0:1; p2 p 1@0 2@1"},
	{"deleted and read at the end", "deleted-record-read 1", "p0 s 1@0 2@1; p1 p 1@0 2@1; p2 trim 0:1" + final("2", "1@0 2@1")},
	{"read while it is deleted", "", "p0 s 1@0 2@1; p1 > p; p2 trim 0:1; p1 < p 1@0 2@1"},
	{"a topic deleted", "", "p0 s 1@0; p1 p 1@0; p0 s k1 2@0; p1 p k1 2@0; p2 delete 1" + final("1", "1@0")},
	{"lost before its topic was deleted", "lost-write 1 / int-poll-skip 1", "p0 s 9@0; p1 p 9@0; p0 s k1 1@0 2@1 3@2; p1 p k1 1@0 3@2; p2 delete 1" + final("1", "9@0")},

	{"no progress", "no-progress 1", "p0 s 1@0; p1 p 1@0" + refused(1000, 8)},
	{"no progress before one succeeds", "no-progress 1", "p0 s 1@0; p1 p 1@0" + refused(1000, 8) + "; p0 s 2@1; p1 p 2@1"},
	{"no progress for as long as is allowed", "", "p0 s 1@0; p1 p 1@0" + refused(1000, 4) + "; p0 s 2@1; p1 p 2@1"},
	{"nothing was sent for long", "", "p0 s 1@0; p1 p 1@0" + refused(1000, 1) + refused(9000, 1)},
	{"no progress on a log that never had any", "", "p0 s k1 1@0; p1 p k1 1@0" + refused(1000, 8)},
	{"no progress under a fault", "", "p0 s 1@0; p1 p 1@0; nemesis inject id=0 fault=kill on=n2; nemesis bite id=0 fault=kill on=n2 held=true" + refused(1000, 8) + "; nemesis healed id=0 fault=kill on=n2 held=true"},
	{"no progress soon after a fault", "", "p0 s 1@0; p1 p 1@0; nemesis inject id=0 fault=kill on=n2; nemesis bite id=0 fault=kill on=n2 held=true" + refused(1000, 3) + "; nemesis healed id=0 fault=kill on=n2 held=true" + refused(2600, 7)},
	{"no progress while others had it", "no-progress 1", "p0 s 1@0; p1 p 1@0; p0 s k1 2@0; p1 p k1 2@0" + refused(1000, 8) + "; p0 s k1 3@1 4@2; p0 s k1 5@3; p0 s k1 6@4; p1 p k1 3@1 4@2 5@3 6@4"},
	{"no progress while nothing was recorded", "", "p0 s 1@0; p1 p 1@0" + refused(1000, 3) + refused(9000, 3) + "; p0 s 2@1; p1 p 2@1"},
	{"no progress long after a fault", "no-progress 1", "p0 s 1@0; p1 p 1@0; nemesis inject id=0 fault=kill on=n2; nemesis bite id=0 fault=kill on=n2 held=true" + refused(1000, 3) + "; nemesis healed id=0 fault=kill on=n2 held=true" + refused(2600, 12)},
	{"a consumer gets nothing", "stuck-consumer 1", "p0 s 1@0; p0 s 2@1; p2 p 1@0 2@1; p1 a 0 pos=0:1" + nothing(1, 1, 1000, 8)},
	{"a consumer gets nothing, and goes elsewhere", "stuck-consumer 1", "p0 s 1@0; p0 s 2@1; p2 p 1@0 2@1; p1 a 0 pos=0:1" + nothing(1, 1, 1000, 8) + "; p1 a 1"},
	{"a consumer gets nothing for as long as is allowed", "", "p0 s 1@0; p0 s 2@1; p2 p 1@0 2@1; p1 a 0 pos=0:1" + nothing(1, 1, 1000, 4) + "; p1 p 2@1"},
	{"a consumer at the end", "", "p0 s 1@0; p0 s 2@1; p2 p 1@0 2@1; p1 a 0 pos=0:2" + nothing(1, 2, 1000, 8)},
	{"two consumers in turns", "", "p0 s 1@0; p0 s 2@1; p2 p 1@0 2@1; p1 a 0 pos=0:1; p3 a 0 pos=0:1" + nothing(1, 1, 1000, 3) + nothing(3, 1, 3000, 3)},

	{"compacted", "", "p0 s 1@0 keys=7; p0 s 2@1 keys=7; p0 s 3@2 keys=8" + final("3", "2@1 3@2")},
	{"the latest of a key is gone", "compacted-latest 1 / int-poll-skip 1", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p0 s 3@2 keys=9; p1 p 1@0 2@1 3@2" + final("3", "1@0 3@2")},
	{"the latest of a key was never seen", "lost-write 1 / int-poll-skip 1", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p0 s 3@2 keys=9; p1 p 1@0" + final("3", "1@0 3@2")},
	{"compacted before its successor was sent", "int-poll-skip 2", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p0 s 3@2 keys=9; p1 p 1@0 2@1 3@2; p2 p 1@0 3@2; p0 s 4@3 keys=8" + final("4", "1@0 3@2 4@3")},
	{"compacted while its successor is sent", "", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p0 s 3@2 keys=9; p1 p 1@0 2@1 3@2; p0 > s 4 keys=8; p2 p 1@0 3@2; p0 < s 4@3 keys=8" + final("4", "1@0 3@2 4@3")},
	{"compacted by an unknown write", "", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p5 s 4 !info keys=8; p0 s 3@2 keys=9; p1 p 1@0 3@2" + final("4", "1@0 3@2 4@3")},
	{"deleted by an unknown tombstone", "", "p0 s 1@0 keys=7; p0 s 2@1 keys=8; p5 s 4 !info keys=8:null; p0 s 3@2 keys=9" + final("4", "1@0 3@2; p9 p fetch=0:4")},
	{"a tombstone goes too early", "compacted-latest 1 / int-poll-skip 1", "p0 s 1@0 keys=7; p0 s 2@1 keys=8:null; p0 s 3@2 keys=9; p1 p 1@0 2@1 3@2" + final("3", "1@0 3@2")},
	{"a tombstone goes in its time", "", "p0 s 1@0 keys=7; p0 s 2@1 keys=8:null; p0 s 3@2 keys=9; p1 p 1@0 2@1 3@2; t=13000000000 p1 e 0:3" + final("3", "1@0 3@2")},
}

// refused plays sends that are refused, half a second apart, from a time in ms on.
func refused(from, n int) string {
	s := ""
	for i := range n {
		s += fmt.Sprintf("; t=%d p0 s %d !fail", (from+500*i)*1e6, 100+from+i)
	}
	return s
}

// nothing plays empty polls of a process from an offset, half a second apart.
func nothing(process, offset, from, n int) string {
	s := ""
	for i := range n {
		s += fmt.Sprintf("; t=%d p%d p fetch=0:%d/2", (from+500*i)*1e6, process, offset)
	}
	return s
}

// header is that of a run whose contract allows nothing; where records have
// keys, their logs are compacted.
func (c *kindCase) header() histories.Header {
	h := promised(c.final())
	h.Contract.ProgressMillis = 2000
	if strings.Contains(c.history, "keys=") {
		h.Contract.Cleanup = "compact"
		h.Logs = []histories.Log{{Key: 0, Topic: "t", Tombstones: "10s"}}
	}
	return h
}

// stableCases are about last stable offsets, which real time orders.
var stableCases = []kindCase{
	{"what was stable is not", "lso-regression 1", "p0 t s 1@0; p0 t s 2@2; p1 l 0:4; p1 l 0:2; p2 p 1@0 2@2"},
	{"what was read is not stable", "lso-regression 1", "p2 a 0 pos=0:0 iso=committed; p0 t s 1@0; p0 t s 2@2; p2 p 1@0 2@2; p1 l 0:2"},
	{"what was stable was asked for before", "", "p0 t s 1@0; p0 t s 2@2; p2 > l 0; p1 l 0:4; p2 < l 0:2; p2 p 1@0 2@2"},
	{"what was read by a reader of everything is not stable", "", "p2 a 0 pos=0:0 iso=uncommitted; p0 > t s 1; p2 p 1@0; p1 l 0:0; p0 < t s 1@0; p1 l 0:2"},
	{"read in one log and not in the other", "fractured-read 1", "p2 a 0 1 pos=0:0 pos=1:0 iso=committed; p0 t s 1@0 k1 2@0; p2 p 1@0; p1 l 1:0; p2 p k1 2@0"},
	{"another one is open in the other log", "", "p2 a 0 1 pos=0:0 pos=1:0 iso=committed; p3 > t s k1 9; p0 t s 1@0 k1 2@1; p2 p 1@0; p1 l 1:0; p3 < t s k1 9@0; p2 p k1 9@0 2@1"},
	{"read in one log while the other is asked", "", "p2 a 0 1 pos=0:0 pos=1:0 iso=committed; p0 t s 1@0 k1 2@0; p1 > l 1; p2 p 1@0; p1 < l 1:0; p2 p k1 2@0"},
	{"stuck", "stuck-lso 1", stuck("t=9000000000 p9 l 0:1")},
	{"stuck a moment after the fence", "", stuck("t=1000000000 p9 l 0:1")},
	{"stable in the end", "", stuck("t=5000000000 p9 l 0:1; t=9000000000 p9 l 0:2")},
	{"nobody fenced the other", "", "p3 t s 7 !info by=2:9:0; " + stuck("t=9000000000 p9 l 0:1")},
}

// stuck has a transactional id fenced before the last stable offset is asked for.
func stuck(asked string) string {
	return "p0 t s 1@0 by=1:5:0; nemesis phase final; p9 f 1 by=1:6:1; p9 e 0:2; " + asked + "; p9 a 0 seek=beginning pos=0:0; p9 p 1@0 fetch=0:0/2; p9 p {} fetch=0:2/2; nemesis phase end"
}

func (c *kindCase) test(t *testing.T, model string) {
	h := parse(t, c.history)
	h.Header = c.header()
	v := judge(h, Options{Model: model, MinAcked: -1, MinOpsPerFault: -1})
	if got := headlinesOf(v); got != c.want {
		t.Fatalf("%s\ngot  %s\nwant %s\n%s", c.history, got, c.want, text(v))
	}
	want := Valid
	heads, _, _ := strings.Cut(c.want, " / ")
	for head := range strings.SplitSeq(heads, ", ") {
		if head != "" && !strings.HasSuffix(head, ")") { // no clause allows it
			want = Invalid
		}
	}
	if v.Valid != want {
		t.Fatalf("%s: valid %v, want %v\n%s", c.history, v.Valid, want, text(v))
	}
	for _, a := range v.Anomalies {
		for _, e := range a.Examples {
			if e.Why == "" || len(e.Ops) == 0 {
				t.Errorf("%s without evidence: %+v", a.Kind, e)
			}
		}
	}
}
