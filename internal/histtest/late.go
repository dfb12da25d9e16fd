package histtest

import (
	"container/heap"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// postpone appends the send's records some time after its client gave up.
func (e *engine) postpone(a *agent) {
	delay := int64(e.rand.Uint64() % uint64(2*lateMean))
	mops := append([]histories.Mop(nil), a.op.Mops...)
	heap.Push(&e.late, lateSend{e.now + delay, e.stats.Entries, mops})
}

// land lets time pass; drain is long enough that nothing stays under way.
func (e *engine) land(d time.Duration) {
	e.now += int64(d)
	e.arrive(e.now)
}

// arrive appends what was under way until the given time.
func (e *engine) arrive(at int64) {
	for len(e.late) > 0 && e.late[0].at <= at {
		e.append(heap.Pop(&e.late).(lateSend).mops, false)
	}
}

// lateSend is a send that is appended after its completion as info.
type lateSend struct {
	at, order int64
	mops      []histories.Mop
}

type lateHeap []lateSend

func (h lateHeap) Len() int { return len(h) }
func (h lateHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h lateHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *lateHeap) Push(x any)   { *h = append(*h, x.(lateSend)) }
func (h *lateHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
