package checker

// What is known of an offset.
const (
	slotHas      = 1 << iota // a value was shown at the offset
	slotPolled               // the value was polled, by a poll of any outcome
	slotRead                 // by one that completed as ok
	slotFinal                // by an ok poll of the final reads
	slotQuick                // a further ok poll of the same value teaches nothing
	slotFar                  // the value stands in slots.far
	slotConflict             // further values were shown: Facts.conflicts
	slotBad                  // a record that is not ours was shown: Facts.bad
)

// slots maps the offsets of one log to the values shown there. An offset
// without evidence takes no place.
type slots struct {
	pages paged[slotPage]
	far   map[int64]int64 // values too far from their page's base
}

type slotPage struct {
	base  int64 // the first value of the page
	begun bool
	value [pageLen]int32 // distance to base
	flags [pageLen]uint8
}

// slot is a place in a page.
type slot struct {
	page *slotPage
	i    int
}

func (s *slots) at(offset int64) slot {
	return slot{s.pages.make(offset >> pageBits), int(offset & pageMask)}
}

// find is at without making a page; ok is false where nothing is known.
func (s *slots) find(offset int64) (slot, bool) {
	p := s.pages.get(offset >> pageBits)
	if p == nil || p.flags[offset&pageMask] == 0 {
		return slot{}, false
	}
	return slot{p, int(offset & pageMask)}, true
}

func (t slot) has(flag uint8) bool { return t.page.flags[t.i]&flag != 0 }
func (t slot) mark(flag uint8)     { t.page.flags[t.i] |= flag }

// set gives the offset its value.
func (s *slots) set(t slot, offset, value int64) {
	if !t.page.begun {
		t.page.base, t.page.begun = value, true
	}
	t.mark(slotHas)
	d, ok := narrow(value, t.page.base)
	if ok {
		t.page.value[t.i] = d
		return
	}
	if s.far == nil {
		s.far = map[int64]int64{}
	}
	s.far[offset] = value
	t.mark(slotFar)
}

// value returns the first value shown at the offset.
func (s *slots) value(t slot, offset int64) int64 {
	if t.has(slotFar) {
		return s.far[offset]
	}
	return t.page.base + int64(t.page.value[t.i])
}

// between calls f for the offsets from first to last that hold something,
// upwards, until f returns false. numbers are the pages' numbers, in order.
func (s *slots) between(numbers []int64, first, last int64, f func(offset int64, t slot) bool) {
	lo, hi := 0, len(numbers)
	for lo < hi {
		if mid := (lo + hi) / 2; numbers[mid] < first>>pageBits {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for _, no := range numbers[lo:] {
		if no > last>>pageBits {
			return
		}
		p := s.pages.get(no)
		base := no << pageBits
		for i := max(first-base, 0); i <= min(last-base, pageMask); i++ {
			if p.flags[i] != 0 && !f(base|i, slot{p, int(i)}) {
				return
			}
		}
	}
}
