package histtest

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Stats counts what a simulated run did.
type Stats struct {
	Entries int64
	Ops     int64   // operations, those of the readers included
	Records int64   // appended records
	Acked   []int64 // acknowledged records, by log
	Stale   int64   // fetches that a strict log does not allow
	Elapsed time.Duration
}

// Turns of a source, in the order of generator's.
const (
	turnGo uint8 = iota
	turnWait
	turnDone
)

const (
	readerPollMax = 500                    // records, for tailing and final readers
	readerPause   = 10 * time.Millisecond  // between two polls of a tailing reader
	askAgain      = 2 * time.Millisecond   // after a source said wait
	lateMean      = 20 * time.Millisecond  // how long a lost request is under way
	drain         = 500 * time.Millisecond // from the last operation to the final reads
	latencySpread = 1 << 20                // ns; a leg takes up to twice that, rarely eight times
	thinkSpread   = 1 << 18                // ns between two operations of a client
)

// source gives the workers their operations, as a generator does.
type source struct {
	next func(now time.Duration, worker int, op *histories.Op) uint8
	saw  func(worker int, op *histories.Op)
}

// agent is one worker: it stays while its processes come and go. Exactly one
// event of each agent is under way.
type agent struct {
	id       int
	process  int64
	reader   bool
	step     step
	op       histories.Op
	assigned []assigned
	old      []assigned
	seen     []int64     // by log: the greatest length shown to this process
	stale    bool        // the poll under way is answered from an old state
	before   []int64     // by assigned log: what was shown before its call
	leg      int64       // ns from the effect to the completion
	instance int64       // of its transactional producer, 0: none
	member   *membership // nil: in no group
	all      bool        // it reads what is not committed too
	// open is, by log, the first record of its transaction under way, where the
	// last stable offset stands.
	open   map[int64]int64
	rounds int // of a reader, since the last client stopped
}

// step is what an agent's event does.
type step uint8

const (
	stepInvoke step = iota
	stepEffect
	stepComplete
)

func (a *agent) saw(key, length int64) { a.seen[key] = max(a.seen[key], length) }

// event is when an agent acts next.
type event struct {
	at    int64 // ns
	agent int32
}

const never = math.MaxInt64

// engine runs agents against a world on a virtual clock.
type engine struct {
	world
	emit    func(*histories.Op)
	src     source
	clients int   // agents below are paced as clients and counted
	stride  int64 // from a retired process to the one that follows
	agents  []agent
	queue   []event // a heap by time; the top is replaced, never taken
	late    lateHeap
	marks   []mark
	started int // operations of clients
	stopped int // clients that are done
	limit   int // operations of clients; negative: until every agent is done
	now     int64
	last    int64 // time of the last entry
	top     int64 // the highest process so far
}

// newEngine returns an engine at the beginning of its clock.
func newEngine(o Options, emit func(*histories.Op)) *engine {
	stats := &Stats{Acked: make([]int64, o.Logs)}
	return &engine{
		world: world{
			opts: o, rand: rand.NewPCG(o.Seed, 0x686973747465_7374), logs: make([]content, o.Logs),
			done: make([]int64, o.Logs), stats: stats,
		},
		emit: emit, last: -1,
	}
}

// run lets agents work for a phase. Their processes are numbered from first.
func (e *engine) run(src source, agents, clients, limit int, first int64) {
	e.src, e.clients, e.limit, e.started, e.stopped = src, clients, limit, 0, 0
	e.agents = make([]agent, agents)
	e.queue = e.queue[:0]
	for i := range e.agents {
		e.agents[i] = agent{
			id: i, process: first + int64(i), reader: i >= clients,
			seen: make([]int64, e.opts.Logs),
		}
		e.queue = append(e.queue, event{e.now + int64(i), int32(i)})
	}
	for e.queue[0].at != never {
		e.act()
	}
	for _, a := range e.agents {
		e.top = max(e.top, a.process)
	}
}

// act performs the next event.
func (e *engine) act() {
	at := e.queue[0].at
	e.arrive(at)
	e.now = max(e.now, at)
	a := &e.agents[e.queue[0].agent]
	switch a.step {
	case stepInvoke:
		at = e.invoke(a)
	case stepEffect:
		a.step = stepComplete
		if e.effect(a) {
			e.postpone(a)
		}
		at = e.now + a.leg
	case stepComplete:
		at = e.finish(a)
	}
	e.queue[0].at = at
	e.sink()
}

// invoke asks for the agent's next operation and returns when it takes effect.
func (e *engine) invoke(a *agent) int64 {
	client := a.id < e.clients
	if e.limit >= 0 && e.started >= e.limit && e.stops(a) {
		return never
	}
	a.op.Reset()
	switch e.src.next(time.Duration(e.now), a.id, &a.op) {
	case turnWait:
		return e.now + int64(askAgain)
	case turnDone:
		return never
	}
	if client {
		e.started++
		if len(e.marks) > 0 && e.started >= e.marks[0].started {
			e.pass()
		}
	}
	if a.op.F == histories.Poll {
		e.prepare(a)
	}
	e.stats.Ops++
	e.put(&a.op, a.process, histories.Invoke)
	a.step = stepEffect
	r := e.rand.Uint64()
	a.leg = int64(r%(2*latencySpread)) + 1
	leg := int64(r>>32%(2*latencySpread)) + 1
	if r>>24&127 == 0 { // a slow one
		leg *= 8
	}
	return e.now + leg
}

// stops tells whether the agent has nothing to do any more after the limit:
// clients stop at once, readers after one more round behind the last client.
func (e *engine) stops(a *agent) bool {
	switch {
	case a.id < e.clients:
		e.stopped++
		return true
	case e.stopped < e.clients || a.rounds == 0:
		if e.stopped == e.clients {
			a.rounds++
		}
		return false
	}
	return true
}

// prepare decides whether the poll is answered from a state older than its call.
func (e *engine) prepare(a *agent) {
	if len(a.op.Mops) == 0 {
		a.op.Mops = append(a.op.Mops, histories.Mop{})
	}
	a.stale = e.chance(e.opts.StaleRate)
	if !a.stale {
		return
	}
	a.before = a.before[:0]
	for _, at := range a.assigned {
		a.before = append(a.before, e.done[at.key])
	}
}

// finish completes the agent's operation and returns when it asks for the next.
func (e *engine) finish(a *agent) int64 {
	op := &a.op
	e.put(op, a.process, op.Type)
	e.complete(op)
	e.src.saw(a.id, op)
	if op.Type == histories.Info {
		a.process += e.stride
		e.leave(a)
		a.assigned = a.assigned[:0]
		a.instance, a.all = 0, false
		clear(a.seen)
	}
	a.step = stepInvoke
	if a.reader && e.limit >= 0 {
		return e.now + int64(readerPause)
	}
	return e.now + int64(e.rand.Uint64()%thinkSpread)
}

// put gives the entry its place in the history.
func (e *engine) put(op *histories.Op, process int64, t histories.Type) {
	e.last = max(e.last+1, e.now)
	op.Index, op.Time, op.Process, op.Type = e.stats.Entries, time.Duration(e.last), process, t
	e.stats.Entries++
	e.emit(op)
}

// sink moves the top event to its place.
func (e *engine) sink() {
	q := e.queue
	top := q[0]
	i := 0
	for {
		c := 2*i + 1
		if c >= len(q) {
			break
		}
		if c+1 < len(q) && before(q[c+1], q[c]) {
			c++
		}
		if !before(q[c], top) {
			break
		}
		q[i] = q[c]
		i = c
	}
	q[i] = top
}

func before(a, b event) bool { return a.at < b.at || a.at == b.at && a.agent < b.agent }
