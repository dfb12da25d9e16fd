package mutants

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var undelete = Mutant{
	Name: "undelete",
	Doc: "Answers a client that asks for records which were deleted with a few of those records, instead of saying that they are out of range: " +
		"a replica whose segments are still on the disk, and whose log start was reset.",
	Headline: "deleted-record-read",
	Offset:   "of the record that is shown again",
	Workload: adminWorkload,
	sinner: func(b *Broker) sinner {
		return &undeleter{b: b, kept: map[place][]batch{}, deleted: map[deletedBy]int64{}}
	},
}

// adminWorkload is where topics are administered beside being used.
const adminWorkload = "admin"

// What is kept of a log: the batches that readers were shown last, in their
// order; and how many records are shown again at once.
const (
	keptBatches  = 1 << 13
	shownDeleted = 20
)

type undeleter struct {
	b       *Broker
	kept    map[place][]batch
	deleted map[deletedBy]int64 // where the log begins since
}

// deletedBy is a log, and a client that has deleted records of it.
type deletedBy struct {
	client string
	place
}

// deletedAgain is the memo of a fetch that is answered with deleted records.
type deletedAgain struct {
	at    place
	shown []batch
}

// request turns the question for deleted records into one for the log's start,
// so that the cluster says how long the log is. Only who deleted the records is
// certain to know by now that they are gone.
func (s *undeleter) request(x *exchange) {
	req, ok := x.req.(*kmsg.FetchRequest)
	if !ok || len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 {
		return
	}
	p := req.Topics[0].Partitions[0]
	at := place{s.b.name(req.Topics[0].Topic, req.Topics[0].TopicID), p.Partition}
	start := s.deleted[deletedBy{x.client, at}]
	if p.FetchOffset < 0 || p.FetchOffset >= start || !s.b.due(at) {
		return
	}
	shown := s.from(at, p.FetchOffset, start)
	if len(shown) == 0 {
		return
	}
	s.b.spend(1)
	sent := *req
	sent.Topics = slices.Clone(req.Topics)
	sent.Topics[0].Partitions = slices.Clone(req.Topics[0].Partitions)
	sent.Topics[0].Partitions[0].FetchOffset = start
	x.sent, x.memo = &sent, deletedAgain{at, shown}
}

// from returns the batches that were kept of the range, up to the first gap.
func (s *undeleter) from(at place, from, to int64) []batch {
	kept := s.kept[at]
	i, _ := slices.BinarySearchFunc(kept, from, func(b batch, offset int64) int { return cmp.Compare(b.end(), offset+1) })
	n, next := i, from
	for n < len(kept) && n < i+shownDeleted && kept[n].base() <= next && kept[n].end() <= to {
		next = kept[n].end()
		n++
	}
	return kept[i:n]
}

func (s *undeleter) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.DeleteRecordsResponse:
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				by := deletedBy{x.client, place{t.Topic, p.Partition}}
				if p.ErrorCode == 0 && p.LowWatermark > s.deleted[by] {
					s.deleted[by] = p.LowWatermark
				}
			}
		}
	case *kmsg.FetchResponse:
		if memo, ok := x.memo.(deletedAgain); ok {
			s.show(x, memo)
			return
		}
		s.keep(x)
	}
}

// show puts deleted records in the place of what stands at the log's start.
func (s *undeleter) show(x *exchange, memo deletedAgain) {
	for _, f := range s.b.fetchedOf(x) {
		from := x.req.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset
		f.part.RecordBatches, x.answer = join(memo.shown, nil), x.resp
		for _, b := range memo.shown {
			for i, v := range s.b.values(b) {
				if offset := b.base() + int64(i); offset >= from {
					x.onGot(prove(s.b.sin(memo.at, offset, v, false, "shown in answer to a fetch from %d, after it was deleted", from)))
				}
			}
		}
	}
}

// keep remembers what readers are shown of logs.
func (s *undeleter) keep(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, _ := split(f.part.RecordBatches)
		kept := s.kept[f.at]
		for _, b := range batches {
			if len(kept) == 0 || b.base() >= kept[len(kept)-1].end() {
				kept = append(kept, b.clone())
			}
		}
		if n := len(kept) - keptBatches; n > keptBatches {
			kept = slices.Delete(kept, 0, n)
		}
		s.kept[f.at] = kept
	}
}
