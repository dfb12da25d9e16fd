package toxic

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	tstream "github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"pgregory.net/rapid"
)

// bench is a control toxic on its stub, without a proxy around it.
type bench struct {
	slot *Slot
	in   chan *tstream.StreamChunk
	out  chan *tstream.StreamChunk
	stub *toxics.ToxicStub
	done chan struct{} // closed when Run returns
}

// newBench makes the toxic of one connection and runs it as Toxiproxy does.
func newBench(p Params) *bench {
	b := &bench{slot: NewSlot(), in: make(chan *tstream.StreamChunk), out: make(chan *tstream.StreamChunk)}
	b.slot.Set(p)
	c := &Control{Slot: b.slot.ID}
	b.stub = toxics.NewToxicStub(b.in, b.out)
	b.stub.State = c.NewState()
	b.run(c)
	return b
}

func (b *bench) run(c *Control) {
	b.done = make(chan struct{})
	go func() {
		defer close(b.done)
		b.stub.Run(&toxics.ToxicWrapper{Toxic: c, Toxicity: 1})
	}()
}

// all reads the output to its end.
func (b *bench) all() []byte {
	var got []byte
	for c := range b.out {
		got = append(got, c.Data...)
	}
	return got
}

// counting makes n bytes of which every window of four is somewhere else in them.
func counting(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%d,", i)
	}
	return b[:n]
}

// TestFatesAreGolden holds the retransmissions of a seed: how many timeouts
// each chunk of each connection is held.
func TestFatesAreGolden(t *testing.T) {
	want := []string{
		"000000000001001010100010003000000000100000001000",
		"000000000000000000010030100000010100000011000011",
	}
	for i, w := range want {
		s := newStream(NewSlot(), uint64(i+1), time.Time{})
		s.slot.Set(Params{Loss: 0.2, RTO: time.Second, Seed: 7})
		s.adopt(s.slot.now.Load(), time.Time{})
		var got strings.Builder
		for range w {
			fmt.Fprint(&got, int(s.delay(1)/time.Second))
		}
		if got.String() != w {
			t.Errorf("connection %d: %s, want %s", i+1, got.String(), w)
		}
	}
}

// TestRetransmissionsDouble: a chunk lost again and again waits 1, 3, 7, …
// timeouts, and no longer than maxDoublings allow.
func TestRetransmissionsDouble(t *testing.T) {
	s := newStream(NewSlot(), 1, time.Time{})
	s.slot.Set(Params{Loss: 0.9, RTO: time.Second})
	s.adopt(s.slot.now.Load(), time.Time{})
	seen := map[time.Duration]bool{}
	for range 1000 {
		seen[s.delay(1)/time.Second] = true
	}
	for d := range seen {
		if (d+1)&d != 0 || d >= 1<<maxDoublings {
			t.Errorf("a chunk is held for %d timeouts", d)
		}
	}
	if len(seen) != maxDoublings+1 {
		t.Errorf("%d different delays, want %d", len(seen), maxDoublings+1)
	}
}

// lossless draws parameters under which every byte comes, in the end.
func lossless(t *rapid.T) Params {
	p := Params{Seed: rapid.Uint64().Draw(t, "seed")}
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 1:
		p.Latency, p.Jitter = 2*time.Millisecond, time.Millisecond
	case 2:
		p.Rate = 2_000_000
	case 3:
		p.Slice, p.SliceVary, p.SliceDelay = 50, 20, 10*time.Microsecond
	case 4:
		p.Stall = true
	case 5:
		p.Loss, p.RTO = 0.3, time.Millisecond
	case 6:
		p.SlowClose = time.Millisecond
	case 7:
		p.Latency, p.Rate, p.Slice = time.Millisecond, 5_000_000, 300
	}
	return p
}

// TestEveryByteComesInOrder switches between lossless faults while bytes flow,
// interrupting the toxic as Toxiproxy does: what comes out is what went in.
func TestEveryByteComesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := counting(rapid.IntRange(1, 20_000).Draw(t, "bytes"))
		sets := rapid.SliceOfN(rapid.Custom(lossless), 1, 5).Draw(t, "sets")
		size := rapid.IntRange(1, 2000).Draw(t, "chunk")
		b := newBench(sets[0])
		defer b.slot.Free()
		got := make(chan []byte)
		go func() { got <- b.all() }()
		steps := 1 + len(data)/size/len(sets)
		for n := 0; len(data) > n*size; n++ {
			if n%steps == steps-1 {
				if b.stub.InterruptToxic() {
					b.run(&Control{Slot: b.slot.ID})
				}
				b.slot.Set(sets[n/steps%len(sets)])
			}
			b.in <- &tstream.StreamChunk{Data: bytes.Clone(data[n*size : min(len(data), (n+1)*size)]), Timestamp: time.Now()}
		}
		close(b.in)
		b.slot.Set(Params{})
		if g := <-got; !bytes.Equal(g, data) {
			t.Fatalf("%d bytes came of %d, or others", len(g), len(data))
		}
		if c := b.slot.Counters(); c.In != int64(len(data)) || c.Out != c.In || c.Held() != 0 {
			t.Fatalf("counters %+v after %d bytes", c, len(data))
		}
	})
}

// TestLossyFaultsLeaveAPrefix switches a lossy fault on and off in mid-stream:
// what comes out is a prefix of what went in, never a stream with a hole.
func TestLossyFaultsLeaveAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := counting(8000)
		cut := rapid.IntRange(0, 60).Draw(t, "cut")
		heal := cut + rapid.IntRange(1, 15).Draw(t, "heal")
		lossy := rapid.SampledFrom([]Params{
			{Drop: true}, {Drop: true, Timeout: time.Millisecond}, {Limit: 333},
			{Drop: true, Latency: time.Millisecond},
		}).Draw(t, "fault")
		b := newBench(Params{Latency: time.Duration(rapid.IntRange(0, 2).Draw(t, "ms")) * time.Millisecond})
		defer b.slot.Free()
		got := make(chan []byte)
		go func() { got <- b.all() }()
		for n := range 80 {
			switch n {
			case cut:
				b.slot.Set(lossy)
			case heal:
				b.slot.Set(Params{})
			}
			b.in <- &tstream.StreamChunk{Data: bytes.Clone(data[100*n : 100*(n+1)]), Timestamp: time.Now()}
		}
		close(b.in)
		g := <-got
		if !bytes.HasPrefix(data, g) {
			t.Fatalf("what came is no prefix of what went")
		}
		<-b.done
		c := b.slot.Counters()
		if c.In != 8000 || c.Out != int64(len(g)) || c.Held() != 0 {
			t.Fatalf("counters %+v, %d bytes came", c, len(g))
		}
		if lossy.Drop && len(g) == len(data) {
			t.Fatalf("a black hole for %d chunks lost nothing", heal-cut)
		}
	})
}

// TestBlackHoleClosesOnHeal: a connection that lost bytes ends on heal, though
// neither side closed it; one that lost none goes on.
func TestBlackHoleClosesOnHeal(t *testing.T) {
	for _, loses := range []bool{true, false} {
		b := newBench(Params{Drop: true})
		if loses {
			b.in <- &tstream.StreamChunk{Data: []byte("lost")}
		}
		b.slot.Set(Params{})
		if loses {
			if c, ok := <-b.out; ok {
				t.Errorf("%q came through", c.Data)
			}
			close(b.in)
		} else {
			go func() {
				b.in <- &tstream.StreamChunk{Data: []byte("more")}
				close(b.in)
			}()
			if got := string(b.all()); got != "more" {
				t.Errorf("%q came after the heal, want more", got)
			}
		}
		<-b.done
		b.slot.Free()
	}
}

// TestCloseIsHeldToo: neither a stall nor a black hole lets a close through.
func TestCloseIsHeldToo(t *testing.T) {
	for _, p := range []Params{{Stall: true}, {Drop: true}} {
		b := newBench(p)
		close(b.in)
		select {
		case <-b.out:
			t.Errorf("%+v let a close through", p)
		case <-time.After(20 * time.Millisecond):
		}
		b.slot.Set(Params{})
		if _, ok := <-b.out; ok {
			t.Error("bytes came from nowhere")
		}
		<-b.done
	}
}

// TestVanishedReaderIsGivenUp: where the source has ended and nobody takes what
// waits, the toxic ends all the same, however much waits.
func TestVanishedReaderIsGivenUp(t *testing.T) {
	for _, bytes := range []int{100, window + 100_000} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			t.Parallel()
			b := newBench(Params{})
			go func() {
				for range bytes / 100 {
					b.in <- &tstream.StreamChunk{Data: make([]byte, 100)}
				}
				close(b.in)
			}()
			if bytes > window {
				// The source is blocked behind a full window; its end is seen
				// one chunk at a time, so shorten the wait: take all but a few.
				for b.slot.Counters().In < window {
					time.Sleep(time.Millisecond)
				}
				for range 1000 + 100 {
					<-b.out
				}
			}
			select {
			case <-b.done:
			case <-time.After(time.Minute):
				t.Fatal("the toxic waits for ever")
			}
			if c := b.slot.Counters(); c.Abandoned == 0 || c.Held() != 0 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

// TestWindowBoundsMemory: a stalled connection takes no more than its window.
func TestWindowBoundsMemory(t *testing.T) {
	b := newBench(Params{Stall: true})
	chunk := &tstream.StreamChunk{Data: make([]byte, 32<<10)}
	for {
		select {
		case b.in <- chunk:
			continue
		case <-time.After(50 * time.Millisecond):
		}
		if b.slot.Counters().Held() >= window { // or the toxic had no time yet
			break
		}
	}
	if c := b.slot.Counters(); c.Held() < window || c.Held() > window+32<<10 {
		t.Errorf("%d bytes are held, the window is %d", c.Held(), window)
	}
	close(b.in)
	b.slot.Set(Params{})
	b.all()
}

// TestFreedSlotPasses: a toxic without a slot passes everything on.
func TestFreedSlotPasses(t *testing.T) {
	s := (&Control{Slot: -1}).NewState().(*stream)
	if p := s.slot.Params(); p != (Params{}) {
		t.Errorf("parameters %+v", p)
	}
}

// BenchmarkControl measures what the toxic costs a chunk.
func BenchmarkControl(b *testing.B) {
	c := newBench(Params{})
	chunk := &tstream.StreamChunk{Data: make([]byte, 1000)}
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		c.in <- chunk
		<-c.out
	}
	close(c.in)
	c.all()
}
