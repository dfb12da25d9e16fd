package mutants

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// pastLSO are the kinds that reading past the last stable offset may show: it
// moves readers on, and what they got is not stable when it is asked for.
var pastLSO = append([]string{"aborted-read", "precommitted-read", "lso-regression", "fractured-read", "nonmonotonic-poll", "int-nonmonotonic-poll"}, gaveAway...)

// ofOpen says what Sin.Offset is.
const ofOpen = "of the record of an open transaction; it is convicted where that is aborted"

var readPastLSO = Mutant{
	Name: "read-past-lso",
	Doc: "Answers a reader of committed records up to the end of the log, whatever is open: the last stable offset is read before " +
		"the state is applied (Redpanda 3036).",
	Headline: "aborted-read", Followers: pastLSO, Offset: ofOpen, Workload: txnLoad,
	Doubt:  "what is open may be committed in the end, and the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner { return &discloser{b: b} },
}

// lsoBurst is how long the end of the log is taken for the last stable offset.
const lsoBurst = 200 * time.Millisecond

var lsoIsEnd = Mutant{
	Name: "lso-is-end",
	Doc: "Takes the end of a log for its last stable offset for 200 ms, in fetches and when it is asked, as after a change of leaders " +
		"(Redpanda 10671, 11309).",
	Headline: "aborted-read", Followers: pastLSO, Offset: ofOpen, Workload: txnLoad,
	Doubt:  "what is open may be committed in the end, and the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner { return &discloser{b: b, burst: lsoBurst} },
}

// discloser gives records of open transactions to readers of committed records:
// in one answer, or in all of a partition for a while. It does so while it keeps
// an abort waiting: the records are gone when it is done.
type discloser struct {
	b     *Broker
	burst time.Duration
	at    place // where it happens
	until time.Time
	abort *await // kept waiting; nil: none
}

// disclosure is the memo of a fetch that is told everything.
type disclosure struct{ at place }

func (s *discloser) request(x *exchange) {
	if end, ok := x.req.(*kmsg.EndTxnRequest); ok && !end.Commit {
		s.doom(x, end)
		return
	}
	req, ok := readsCommitted(x)
	if !ok || time.Now().After(s.until) {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			at := place{s.b.name(t.Topic, t.TopicID), p.Partition}
			open := s.b.openAt(at)
			if at == s.at && len(open) > 0 && open[len(open)-1].last() >= p.FetchOffset {
				x.memo = disclosure{at}
				everything(x)
				return
			}
		}
	}
}

// doom keeps an abort waiting until somebody got its records.
func (s *discloser) doom(x *exchange, end *kmsg.EndTxnRequest) {
	open := s.b.txns.open[end.ProducerID]
	if open == nil || len(open.parts) == 0 || !s.b.ready() {
		return
	}
	s.b.spend(1 + int(s.burst/(50*time.Millisecond)))
	s.at, s.until = open.parts[0].at, time.Now().Add(max(s.burst, awaitLimit))
	s.abort = newAwait()
	x.await = s.abort
}

func (s *discloser) response(x *exchange) {
	if list, ok := x.resp.(*kmsg.ListOffsetsResponse); ok {
		s.list(x, list)
		return
	}
	d, ok := x.memo.(disclosure)
	if !ok {
		return
	}
	x.answer = x.resp
	for _, f := range s.b.fetchedOf(x) {
		if f.at != d.at || f.position < 0 {
			s.b.committedView(f, f.part.HighWatermark, nil)
			continue
		}
		s.b.committedView(f, f.part.HighWatermark, func(*openPart) bool { return true })
		s.b.disclosed(x, f, func(*openPart) bool { return true })
		if s.burst == 0 {
			s.until = time.Time{}
		}
		x.onGot(s.abort.letGo)
	}
}

// list tells the end of the log as its last stable offset.
func (s *discloser) list(x *exchange, resp *kmsg.ListOffsetsResponse) {
	if x.req.(*kmsg.ListOffsetsRequest).IsolationLevel != 1 || s.burst == 0 || time.Now().After(s.until) {
		return
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			open := s.b.openAt(s.at)
			if at := (place{resp.Topics[i].Topic, p.Partition}); at == s.at && p.ErrorCode == 0 && len(open) > 0 {
				p.Offset = max(p.Offset, open[len(open)-1].last()+1)
				x.answer = x.resp
			}
		}
	}
}

// disclosed writes the records of open transactions that an answer holds into
// the ledger. Whether they can be convicted shows when the transactions end.
func (b *Broker) disclosed(x *exchange, f fetched, shown func(*openPart) bool) []*Sin {
	batches, _ := split(f.part.RecordBatches)
	var sins []*Sin
	for _, open := range b.openAt(f.at) {
		if !shown(open) {
			continue
		}
		for _, r := range open.records {
			in := slices.ContainsFunc(batches, func(b batch) bool { return b.base() <= r.offset && r.offset < b.base()+int64(b.count()) })
			if in && r.offset >= f.position {
				sins = append(sins, b.sin(f.at, r.offset, r.value, false, "record %d of an open transaction, at offset %d, given to a reader of committed records", r.value, r.offset))
			}
		}
	}
	return sins
}

var readOwn = Mutant{
	Name: "read-own",
	Doc: "Gives a reader of committed records the records of its own transaction while that is open: it takes the client for " +
		"one that may see them (Chronik 2.10.0 returns what is past the last stable offset).",
	Headline: "precommitted-read", Followers: pastLSO, Offset: "of the reader's own record", Workload: txnLoad,
	Doubt:  "one record of a transaction is enough to convict it",
	sinner: func(b *Broker) sinner { return &familiar{b: b} },
}

// familiar gives clients what they have open themselves.
type familiar struct{ b *Broker }

// own finds a partition of a fetch where the client itself has something open
// at or above its position.
func (s *familiar) own(x *exchange, req *kmsg.FetchRequest) (*openPart, bool) {
	for _, o := range s.b.txns.open {
		if o.client != x.client || x.client == "" {
			continue
		}
		for _, t := range req.Topics {
			for _, p := range t.Partitions {
				at := place{s.b.name(t.Topic, t.TopicID), p.Partition}
				if part := o.part(at); part != nil && part.first() >= p.FetchOffset {
					return part, true
				}
			}
		}
	}
	return nil, false
}

func (s *familiar) request(x *exchange) {
	req, ok := readsCommitted(x)
	if !ok {
		return
	}
	if part, ok := s.own(x, req); ok && s.b.ready() {
		x.memo = part
		everything(x)
	}
}

func (s *familiar) response(x *exchange) {
	part, ok := x.memo.(*openPart)
	if !ok {
		return
	}
	x.answer = x.resp
	mine := func(p *openPart) bool { return p == part }
	for _, f := range s.b.fetchedOf(x) {
		if f.at != part.at || f.position < 0 {
			s.b.committedView(f, f.part.HighWatermark, nil)
			continue
		}
		s.b.committedView(f, part.last()+1, mine)
		if sins := s.b.disclosed(x, f, mine); len(sins) > 0 {
			s.b.spend(1)
			x.onGot(prove(sins[0])) // one finding for each transaction
		}
	}
}
