package mutants

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var cleanLatest = Mutant{
	Name: "clean-latest",
	Doc: "Removes the latest record of a key from a compacted log, some time after everybody could read it: " +
		"a cleaner whose map of keys holds an offset of a segment that it did not keep.",
	Headline:  "compacted-latest",
	Followers: []string{"poll-skip", "int-poll-skip"},
	Offset:    "of the record that is gone",
	Workload:  adminWorkload,
	Doubt:     "a later record of the key may come, and then the earlier one may be gone",
	sinner: func(b *Broker) sinner {
		return &cleaner{b: b, logs: map[place]*keyedLog{}}
	},
}

// cleanBehind is how many records stand behind one that is removed: by then a
// key that comes often has come again.
const cleanBehind = 150

type cleaner struct {
	b    *Broker
	logs map[place]*keyedLog
}

// keyedLog is what the cleaner knows of a log with keys.
type keyedLog struct {
	latest map[string]*keyed
	order  []*keyed // the records of keys that came once, in the order of their acknowledgements
	gone   map[int64]bool
	end    int64
}

// keyed is the only record of a key so far.
type keyed struct {
	offset, value int64
	tombstone     bool
	known         bool // its producer got the acknowledgement
	read          bool // a reader got it
	replaced      bool // a later record of its key is on its way, or was
	sin           *Sin
}

// request takes back what is known of keys that come again: the records before
// may be gone from now on.
func (s *cleaner) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok {
		return
	}
	records, err := p.batch.records()
	if err != nil || len(records) == 0 || records[0].Key == nil {
		return
	}
	l := s.logs[p.at]
	if l == nil {
		l = &keyedLog{latest: map[string]*keyed{}, gone: map[int64]bool{}}
		s.logs[p.at] = l
	}
	values := s.b.values(p.batch)
	sent := make([]*keyed, len(records))
	for i, r := range records {
		sent[i] = &keyed{offset: -1, value: values[i], tombstone: r.Value == nil}
		if old := l.latest[string(r.Key)]; old != nil {
			old.replaced, sent[i].replaced = true, true // none of them is taken
			if old.sin != nil {
				old.sin.Proven = false
			}
		}
		l.latest[string(r.Key)] = sent[i]
	}
	x.memo = sent
}

func (s *cleaner) response(x *exchange) {
	switch x.resp.(type) {
	case *kmsg.ProduceResponse:
		if sent, ok := x.memo.([]*keyed); ok {
			s.acknowledged(x, sent)
		}
	case *kmsg.FetchResponse:
		s.fetched(x)
	}
}

func (s *cleaner) acknowledged(x *exchange, sent []*keyed) {
	p, _ := s.b.produceOf(x)
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	l := s.logs[p.at]
	for i, k := range sent {
		k.offset = a.BaseOffset + int64(i)
		l.end = max(l.end, k.offset+1)
		if !k.tombstone && !k.replaced {
			l.order = append(l.order, k)
		}
		x.onGot(func() { k.known = true })
	}
}

// fetched removes a record now and then, and what is gone from every answer.
func (s *cleaner) fetched(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		l := s.logs[f.at]
		if l == nil {
			continue
		}
		if s.b.due(f.at) {
			s.clean(f.at, l)
		}
		s.follow(x, f, l)
		if len(l.gone) == 0 {
			continue
		}
		batches, rest := split(f.part.RecordBatches)
		changed := false
		for i, b := range batches {
			if without, ok := l.without(b); ok {
				batches[i], changed = without, true
			}
		}
		if changed {
			f.part.RecordBatches, x.answer = join(batches, rest), x.resp
		}
	}
}

// follow notes that the reader gets what is shown.
func (s *cleaner) follow(x *exchange, f fetched, l *keyedLog) {
	batches, _ := split(f.part.RecordBatches)
	if len(batches) == 0 || f.position < 0 {
		return
	}
	from, to := f.position, batches[len(batches)-1].end()
	x.onGot(func() {
		for _, k := range l.order {
			if k.offset >= from && k.offset < to && k.sin == nil {
				k.read = true
			}
		}
	})
}

// clean removes the first record that is the only one of its key.
func (s *cleaner) clean(at place, l *keyedLog) {
	l.order = slices.DeleteFunc(l.order, func(k *keyed) bool { return k.replaced })
	for i, k := range l.order {
		if k.offset+cleanBehind > l.end {
			return
		}
		if k.known && k.read {
			s.b.spend(1)
			k.sin = s.b.sin(at, k.offset, k.value, true, "removed, and it is the latest record of its key")
			l.gone[k.offset] = true
			l.order = slices.Delete(l.order, i, i+1)
			return
		}
	}
}

// without returns the batch without the records that are gone; false where it
// has none of them.
func (l *keyedLog) without(b batch) (batch, bool) {
	has := false
	for offset := b.base(); offset < b.end() && !has; offset++ {
		has = l.gone[offset]
	}
	if !has {
		return nil, false
	}
	records, err := b.records()
	if err != nil {
		return nil, false
	}
	kept := slices.DeleteFunc(records, func(r kmsg.Record) bool { return l.gone[b.base()+int64(r.OffsetDelta)] })
	if len(kept) == 0 {
		return b.emptied(), true
	}
	return b.of(kept), true
}
