package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var zeroStart = Mutant{
	Name: "zero-start",
	Doc: "Tells that a log begins at offset 0, although its first records were deleted and clients had been told so: " +
		"a start of the log that each move of the high watermark resets.",
	Headline:  "log-start-regression",
	Followers: []string{"deleted-record-read"},
	Offset:    "0, the start that was told",
	Workload:  adminWorkload,
	sinner:    func(b *Broker) sinner { return &zeroer{b: b, told: map[place]*climb{}} },
}

type zeroer struct {
	honest
	b    *Broker
	told map[place]*climb // the starts that clients are known to have got
}

func (s *zeroer) response(x *exchange) {
	resp, ok := x.resp.(*kmsg.ListOffsetsResponse)
	if !ok {
		return
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			at := place{resp.Topics[i].Topic, p.Partition}
			if p.ErrorCode != 0 || p.Offset <= 0 || !asksStart(x.req.(*kmsg.ListOffsetsRequest), at) {
				continue
			}
			if s.told[at] == nil {
				s.told[at] = &climb{}
			}
			if before := s.told[at].by(x.since); before > 0 && s.b.due(at) {
				s.b.spend(1)
				s.b.sin(at, 0, -1, false, "the start told as 0, after %d had been told; it is %d", before, p.Offset)
				p.Offset, x.answer = 0, x.resp
				continue
			}
			start := p.Offset
			x.onGot(func() { s.told[at].reach(start) })
		}
	}
}
