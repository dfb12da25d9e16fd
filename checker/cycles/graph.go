package cycles

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is a set of kinds of edges.
type Kind uint8

// The kinds of edges.
const (
	WW Kind = 1 << iota
	WR
	RW
	Process
	Realtime

	// All is every kind.
	All = WW | WR | RW | Process | Realtime
)

var kindNames = []string{"ww", "wr", "rw", "process", "realtime"}

// String names the kinds, as in "ww|realtime".
func (k Kind) String() string {
	var out []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, "|")
}

// None is the writer of a record that no operation of the history wrote.
const None = -1

// Graph is what operations tell of their order. Vertices are added in the order
// of their completions, logs before the reads of them, reads vertex by vertex.
// It is used by one goroutine.
type Graph struct {
	vertices []vertex
	acked    []int32 // the vertices that completed as ok, in order: real time's barriers
	logs     []log
	reads    []read
	firsts   []int32 // by vertex: its first read; made by settle
	writes   []write // sorted by vertex
	firstW   []int32 // by vertex: its first write
	last     map[int64]int32
	settled  bool

	scratch scratch
}

// vertex is an operation.
type vertex struct {
	barrier int32 // ok completions before its invocation
	before  int32 // the process's vertex before, None where there is none
}

// log is a log's records in the order of their offsets.
type log struct {
	offsets []int64
	writers []int32
	near    int // where the last read of it was found
}

// read is a range of a log's records, by position, that a vertex was given.
// Where unseen is set the vertex was not given the record at to, although it
// read up to it.
type read struct {
	vertex, log int32
	from, to    int32 // to is not part of it
	unseen      bool
}

// write is a record by its writer.
type write struct{ vertex, log, pos int32 }

// Barrier is a place in real time: see [Graph.Now].
type Barrier int32

// Now is the place in real time of an operation that is invoked now: after all
// the ok completions that were added so far.
func (g *Graph) Now() Barrier { return Barrier(len(g.acked)) }

// Add adds an operation that completes now. invoked is what Now said when it
// was invoked; ok says that it certainly took effect before now, so that
// whatever is invoked later comes after it.
func (g *Graph) Add(process int64, invoked Barrier, ok bool) int32 {
	v := int32(len(g.vertices))
	before := int32(None)
	if g.last == nil {
		g.last = map[int64]int32{}
	}
	if u, had := g.last[process]; had {
		before = u
	}
	g.last[process] = v
	g.vertices = append(g.vertices, vertex{int32(invoked), before})
	if ok {
		g.acked = append(g.acked, v)
	}
	return v
}

// Len is the number of vertices.
func (g *Graph) Len() int { return len(g.vertices) }

// AddLog adds a log and returns its number: the offsets of its records, rising,
// and for each the vertex that wrote it, or None. The slices belong to the graph;
// writers may be filled in until it is asked the first question.
func (g *Graph) AddLog(offsets []int64, writers []int32) int {
	g.logs = append(g.logs, log{offsets: offsets, writers: writers})
	g.settled = false
	return len(g.logs) - 1
}

// Read says that a vertex was given the records of a log from the offset first
// to the offset last. Reads are added in the order of their vertices.
func (g *Graph) Read(v int32, log int, first, last int64) {
	l := &g.logs[log]
	from := l.seek(first)
	to := from
	for to < len(l.offsets) && l.offsets[to] <= last {
		to++
	}
	if from < to {
		g.addRead(read{v, int32(log), int32(from), int32(to), false})
	}
}

// seek returns the position of the first record at the offset or behind it. Reads
// follow each other closely, so it is looked for around the last one.
func (l *log) seek(offset int64) int {
	lo, hi := l.near, l.near
	for step := 1; lo > 0 && l.offsets[lo-1] >= offset; step *= 2 {
		lo = max(lo-step, 0)
	}
	for step := 1; hi < len(l.offsets) && l.offsets[hi] < offset; step *= 2 {
		lo, hi = hi, min(hi+step, len(l.offsets))
	}
	at, _ := slices.BinarySearch(l.offsets[lo:hi], offset)
	l.near = lo + at
	return l.near
}

// Grow makes room for operations and reads to come.
func (g *Graph) Grow(vertices, reads int) {
	g.vertices = slices.Grow(g.vertices, vertices)
	g.acked = slices.Grow(g.acked, vertices)
	g.reads = slices.Grow(g.reads, reads)
}

// Missed says that a vertex read a log up to the offset next, and was not given
// the record that stands there or, where none does, the next one behind it.
func (g *Graph) Missed(v int32, log int, next int64) {
	l := &g.logs[log]
	at, _ := slices.BinarySearch(l.offsets, next)
	if at < len(l.offsets) {
		g.addRead(read{v, int32(log), int32(at), int32(at), true})
	}
}

func (g *Graph) addRead(r read) {
	if n := len(g.reads); n > 0 && r.vertex < g.reads[n-1].vertex {
		panic(fmt.Sprintf("cycles: a read of vertex %d after one of vertex %d", r.vertex, g.reads[n-1].vertex))
	}
	g.reads = append(g.reads, r)
	g.settled = false
}

// settle makes the indexes by vertex.
func (g *Graph) settle() {
	if g.settled {
		return
	}
	g.settled = true
	n := len(g.vertices)
	g.firsts = firstOf(n, len(g.reads), func(i int) int32 { return g.reads[i].vertex })
	count := make([]int32, n+1)
	for i := range g.logs {
		for _, w := range g.logs[i].writers {
			if w != None {
				count[w+1]++
			}
		}
	}
	for v := range n {
		count[v+1] += count[v]
	}
	g.writes = make([]write, count[n])
	at := slices.Clone(count[:n])
	for i := range g.logs {
		for pos, w := range g.logs[i].writers {
			if w != None {
				g.writes[at[w]] = write{w, int32(i), int32(pos)}
				at[w]++
			}
		}
	}
	g.firstW = count
	g.scratch = scratch{}
	g.indexUnseen()
}

// firstOf returns, for each vertex and one more, its first entry of a list that
// is sorted by vertex.
func firstOf(n, entries int, vertex func(int) int32) []int32 {
	firsts := make([]int32, n+1)
	i := 0
	for v := range n {
		for i < entries && vertex(i) < int32(v) {
			i++
		}
		firsts[v] = int32(i)
	}
	firsts[n] = int32(entries)
	return firsts
}

// indexUnseen sorts the reads that missed a record by that record.
func (g *Graph) indexUnseen() {
	var unseen []read
	for _, r := range g.reads {
		if r.unseen {
			unseen = append(unseen, r)
		}
	}
	slices.SortFunc(unseen, func(a, b read) int {
		if a.log != b.log {
			return int(a.log - b.log)
		}
		return int(a.from - b.from)
	})
	g.scratch.unseen = unseen
}

// missing returns the reads that missed the record at a position.
func (g *Graph) missing(log, pos int32) []read {
	u := g.scratch.unseen
	at, _ := slices.BinarySearchFunc(u, read{log: log, from: pos}, func(a, b read) int {
		if a.log != b.log {
			return int(a.log - b.log)
		}
		return int(a.from - b.from)
	})
	end := at
	for end < len(u) && u[end].log == log && u[end].from == pos {
		end++
	}
	return u[at:end]
}
