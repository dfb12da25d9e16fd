package mutants

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var appendThenRefuse = Mutant{
	Name: "append-then-refuse",
	Doc: "Appends records and then refuses them (INVALID_RECORD, which says that nothing was appended). " +
		"The high-level producer does not tell a refusal from a lost answer, so a run of it proves nothing here.",
	Headline: "aborted-read",
	Offset:   "of the record that was refused",
	sinner:   func(b *Broker) sinner { return &refuser{b: b} },
}

type refuser struct {
	honest
	b *Broker
}

func (s *refuser) response(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || !s.b.due(p.at) {
		return
	}
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	s.b.spend(1)
	base := a.BaseOffset
	a.ErrorCode, a.BaseOffset = kerr.InvalidRecord.Code, -1
	if x.req.GetVersion() >= 8 {
		a.ErrorMessage = kmsg.StringPtr("One or more records have been rejected.")
	}
	x.answer = x.resp
	for i, v := range s.b.values(p.batch) {
		x.onGot(prove(s.b.sin(p.at, base+int64(i), v, false, "appended at offset %d and refused", base+int64(i))))
	}
}
