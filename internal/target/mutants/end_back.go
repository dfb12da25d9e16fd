package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var endBack = Mutant{
	Name: "end-back",
	Doc: "Tells an end of the log below one that it told before: a new leader that does not know yet how far " +
		"the old one had come (what KIP-207 forbids). It repeats itself a few times, because not every end that a " +
		"client asks for is an operation of the history.",
	Headline:  "end-offset-regression",
	Followers: []string{"nonlinearizable-log"},
	Offset:    "the false end",
	sinner: func(b *Broker) sinner {
		return &backer{b: b, told: map[place]*climb{}, lies: map[place]*lie{}, below: endsBelow, times: lieTimes}
	},
}

// lieTimes is how often a false end is told. About a quarter of the ends that
// clients ask for serve an assignment, which does not say what it was told.
const lieTimes = 8

// endsBelow is how many further ends have been told above the one that a lie
// goes below: for the same reason.
const endsBelow = 4

// surelyTold is how often a lie has to be told before one of the clients is
// taken to have asked for the sake of the end.
const surelyTold = 4

type backer struct {
	b         *Broker
	told      map[place]*climb // the ends that clients are known to have got
	lies      map[place]*lie
	isolation int8 // the ends that it lies about: 0 the log's, 1 the last stable offset
	below     int  // how many further ends have been told above a false one
	times     int  // how often a false end is told
}

type lie struct {
	offset int64
	left   int
}

// ends is the memo of a request for ends: those told before it was called.
type ends map[place]int64

func (s *backer) request(x *exchange) {
	req, ok := x.req.(*kmsg.ListOffsetsRequest)
	if !ok || req.IsolationLevel != s.isolation {
		return
	}
	before := ends{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			at := place{t.Topic, p.Partition}
			if p.Timestamp != -1 {
				continue
			}
			if s.told[at] == nil {
				s.told[at] = &climb{}
			}
			before[at] = s.told[at].before(x.since, s.below)
		}
	}
	x.memo = before
}

func (s *backer) response(x *exchange) {
	resp, ok := x.resp.(*kmsg.ListOffsetsResponse)
	if !ok {
		return
	}
	before, ok := x.memo.(ends)
	if !ok {
		return
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			at := place{resp.Topics[i].Topic, p.Partition}
			told, asked := before[at]
			if !asked || p.ErrorCode != 0 || p.Offset < 0 {
				continue
			}
			if l := s.lie(at, told); l != nil {
				sin := s.b.sin(at, l.offset, -1, false, "end told as %d, after %d had been told; it is %d", l.offset, told, p.Offset)
				if s.times-l.left >= min(surelyTold, s.times) {
					x.onGot(prove(sin))
				}
				p.Offset = l.offset
				x.answer = x.resp
				continue
			}
			end := p.Offset
			x.onGot(func() { s.told[at].reach(end) })
		}
	}
}

// lie returns the false end to tell a client who called after an end had been
// told; nil: the truth.
func (s *backer) lie(at place, told int64) *lie {
	l := s.lies[at]
	if l == nil || l.left == 0 {
		if told < 4 || !s.b.due(at) {
			return nil
		}
		s.b.spend(s.times)
		l = &lie{told - 1 - s.b.rnd.Int64N(3), s.times}
		s.lies[at] = l
	}
	if !s.b.busy(at) {
		l.left = 0
	}
	if l.left == 0 || told <= l.offset {
		return nil
	}
	l.left--
	return l
}
