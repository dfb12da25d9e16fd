// Package histories says what happened: the entries of a history, the contract
// they are judged by, the recorder that writes them and the formats they are
// kept in.
//
// An entry is one line: an invocation, a completion or a nemesis event. An
// operation is an invocation with its completion. A record is one message.
//
// A [Recorder] writes a history while it happens, a [Writer] one whose times
// are known, [Open] reads one, [Convert] turns one format into another and a
// [Validator] checks the order of its entries. The formats are specified in
// docs/history.md: JSON Lines, EDN as jepsen.tests.kafka has it, and the
// notation.
//
// # The notation
//
// The notation has one operation a line, for people and for tests. It holds
// everything the other formats hold.
//
//	header acks=all reads=strict tailed log=0:orders/0
//	p0 s 1@0              # process 0 sends value 1 and is told offset 0
//	p0 s 2@1 3@2 k1 4@0   # a batch; what follows k1 goes to log 1 (else log 0)
//	p0 s 5@?              # acknowledged without a valid offset
//	p1 s 6 !info "timed out"
//	p2 s 7 !fail
//	p3 a 0 1 seek=beginning pos=0:0 pos=1:0
//	p3 p 1@0 2@1 k1 4@0 fetch=0:0/3   # records, and a fetch: log:position/high watermark
//	p3 p                  # polled, nothing there; "p3 p !fail" did not poll at all
//	p4 > s 8              # an invocation by itself:
//	p3 p                  #   what stands between ran at the same time
//	p4 < s 8@3            # its completion
//	p3 e 0:4 1:1          # end offsets; b: start offsets; l: last stable offsets
//	p6 f 1 2 by=1:7:0     # takes over the transactional ids 1 and 2
//	p5 t s 9@4 | p !fail abort=2 by=1:5:0   # aborted on purpose after two parts, by instance 5 of transactional id 1
//	p3 c                  # crash, which ends as info
//	nemesis inject id=0 fault=latency on=n1,n2
//	t=50..90 p5 t s 9@4 | p k1 4@0    # a transaction, called at 50 ns, returned at 90 ns
//
// A line is: i=INDEX and t=TIME or t=CALL..RETURN, where they do not follow by
// one from the line before; the process, pN or nemesis; > for an invocation or
// < for a completion alone; the operation; what it did; and then, in any order,
// !ok, !fail or !info where the outcome is not ok, "the error", fetch=, pos=,
// seek=, ids=ID,…, rebalance=WHAT:GENERATION:LOG,…, bad=LOG:OFFSET:WHY:"detail", iso=committed or iso=uncommitted, group=,
// abort=N, by=TXN:INSTANCE:EPOCH and keys=KEY,KEY:null (of the records sent).
//
// Operations are s (send), p (poll), t (txn, its parts parted by |), a (assign),
// u (subscribe), c (crash), e (end-offsets), b (start-offsets), l
// (stable-offsets), f (fence), commit, committed (fetch-committed), create and
// delete (topics), grow (create-partitions), trim (delete-records), epochs
// (leader-epochs), d
// (debug-topic-partitions) and other="name"; those of the nemesis have their full
// names, and the event follows in words or as JSON. In a poll, kN begins what
// came of log N; {} says that nothing came where the poll failed, - that an ok
// poll has no result, () that there is no poll at all. A # at the beginning of
// a word begins a comment.
package histories
