package histories

import (
	"fmt"
	"time"

	"pgregory.net/rapid"
)

// genInt draws numbers of every length, the extreme ones too.
func genInt(lo int64) *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(max(lo, 0), 20), rapid.Int64Range(max(lo, 0), 1<<40), rapid.Int64Min(lo))
}

func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "timed out", `a "quoted" \ one`, "line\nbreak\ttab\x01", "ü → 𝄞", "# no comment", "{}", "a=b", ", :x"}),
		rapid.StringMatching(`[a-zA-Z0-9 :,;{}\[\]"\\#@|=/.-]{0,12}`),
	)
}

// genOp draws any entry that readers can return.
func genOp() *rapid.Generator[*Op] {
	return rapid.Custom(func(t *rapid.T) *Op {
		o := &Op{
			Process: genInt(0).Draw(t, "process"),
			Type:    rapid.SampledFrom([]Type{Invoke, OK, Fail, Info}).Draw(t, "type"),
			F:       rapid.SampledFrom([]F{Other, Send, Poll, Txn, Assign, Subscribe, Crash, EndOffsets, StartOffsets, Debug, Phase, Inject, Bite, Heal, Healed, Note, State, Sample, Whole, StableOffsets, Fence, Commit, Committed, CreateTopic, DeleteTopic, CreatePartitions, DeleteRecords, LeaderEpochs}).Draw(t, "f"),
			Error:   genText().Draw(t, "error"),
		}
		if o.F.OfNemesis() {
			o.Process, o.Event = Nemesis, genEvent().Draw(t, "event")
			return o
		}
		switch {
		case o.F == Other:
			o.Name = rapid.OneOf(rapid.SampledFrom([]string{"", "compact", "a/b", "1x"}), rapid.Map(genText(), func(s string) string { return "_" + s })).Draw(t, "name")
			if rapid.Bool().Draw(t, "of the nemesis") {
				o.Process = Nemesis
			}
		case o.F.hasMops():
			genMops(t, o)
		case o.F.hasKeys():
			o.Keys = rapid.SliceOfN(genInt(-1<<63), 0, 4).Draw(t, "keys")
		}
		if o.F.asksOffsets() && rapid.Bool().Draw(t, "answered") {
			for _, k := range o.Keys {
				o.Offsets = append(o.Offsets, KeyOffset{k, genInt(-1).Draw(t, "offset")})
			}
		}
		genExtras(t, o)
		if o.F.hasMops() && rapid.Bool().Draw(t, "keyed") {
			for range rapid.IntRange(0, 3).Draw(t, "record keys") {
				o.RecordKeys = append(o.RecordKeys, RecordKey{genInt(-1<<63).Draw(t, "record key"), rapid.Bool().Draw(t, "tombstone")})
			}
		}
		return o
	})
}

func genMops(t *rapid.T, o *Op) {
	for range rapid.IntRange(0, 4).Draw(t, "mops") {
		send := o.F == Send || o.F == Txn && rapid.Bool().Draw(t, "send")
		if send {
			o.AddSend(genInt(-1<<63).Draw(t, "key"), genInt(-1<<63).Draw(t, "value"))
			o.Mops[len(o.Mops)-1].Offset = rapid.OneOf(rapid.Just[int64](OffsetNil), genInt(-1)).Draw(t, "offset")
			continue
		}
		o.AddPoll()
		if !rapid.Bool().Draw(t, "polled") {
			continue
		}
		o.Mops[len(o.Mops)-1].Polled = true
		for range rapid.IntRange(0, 4).Draw(t, "runs") {
			var recs []Rec
			for range rapid.IntRange(0, 3).Draw(t, "recs") {
				recs = append(recs, Rec{rapid.OneOf(rapid.Just[int64](OffsetNil), genInt(-1<<63)).Draw(t, "offset"), genInt(-1<<63).Draw(t, "value")})
			}
			o.AddRun(rapid.OneOf(rapid.Int64Range(0, 2), genInt(-1<<63)).Draw(t, "key"), recs...)
		}
	}
}

func genExtras(t *rapid.T, o *Op) {
	if rapid.Bool().Draw(t, "no extras") {
		return
	}
	for range rapid.IntRange(0, 2).Draw(t, "fetches") {
		o.Fetched = append(o.Fetched, Fetched{genInt(-1<<63).Draw(t, "key"), genInt(-1).Draw(t, "position"), genInt(-1).Draw(t, "hw"), genInt(-1).Draw(t, "epoch")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "bad") {
		o.Bad = append(o.Bad, BadRec{genInt(-1<<63).Draw(t, "key"), genInt(-2).Draw(t, "offset"),
			rapid.OneOf(rapid.SampledFrom([]string{BadChecksum, BadForeign, BadLog}), genText()).Draw(t, "why"), genText().Draw(t, "detail")})
	}
	o.Seek = rapid.SampledFrom([]Seek{{}, {To: SeekBeginning}, {To: SeekEnd}, {To: SeekCommitted}, {SeekBack, 0}, {SeekBack, 17}, {SeekBack, -3}}).Draw(t, "seek")
	if rapid.Bool().Draw(t, "of a group") {
		o.IDs = rapid.SliceOfN(genInt(-1), 0, 3).Draw(t, "ids")
		for range rapid.IntRange(0, 2).Draw(t, "rebalances") {
			keys := rapid.SliceOfN(genInt(-1<<63), 0, 3).Draw(t, "keys")
			if len(keys) == 0 {
				keys = nil
			}
			o.Rebalances = append(o.Rebalances, Rebalance{
				rapid.OneOf(rapid.SampledFrom([]string{Assigned, Revoked, Lost}), genText()).Draw(t, "what"),
				genInt(-1).Draw(t, "generation"), keys,
			})
		}
	}
	if rapid.Bool().Draw(t, "transactional") {
		o.Isolation = rapid.SampledFrom([]Isolation{IsolationContract, ReadUncommitted, ReadCommitted}).Draw(t, "isolation")
		o.Abort = rapid.SampledFrom([]int32{0, 1, 4}).Draw(t, "abort")
		o.Group = rapid.OneOf(rapid.Just("g-1"), genText()).Draw(t, "group")
		o.Producer = rapid.SampledFrom([]Producer{{}, {1, 2, -1}, {3, 1 << 40, 7}}).Draw(t, "producer")
	}
	if !o.F.asksOffsets() {
		for range rapid.IntRange(0, 2).Draw(t, "positions") {
			o.Offsets = append(o.Offsets, KeyOffset{genInt(-1<<63).Draw(t, "key"), genInt(-1).Draw(t, "offset")})
		}
	}
}

func genEvent() *rapid.Generator[*Event] {
	return rapid.Custom(func(t *rapid.T) *Event {
		e := &Event{
			ID:        rapid.IntRange(-1, 40).Draw(t, "id"),
			Phase:     rapid.SampledFrom([]string{"", PhaseFaults, "a phase"}).Draw(t, "phase"),
			Fault:     rapid.SampledFrom([]string{"", "latency", "one-way"}).Draw(t, "fault"),
			Direction: rapid.SampledFrom([]string{"", "upstream", "both"}).Draw(t, "direction"),
			Why:       genText().Draw(t, "why"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "nodes") {
			e.On = append(e.On, rapid.SampledFrom([]string{"n1", "n2", "odd, name"}).Draw(t, "node"))
		}
		if rapid.Bool().Draw(t, "decided") {
			held := rapid.Bool().Draw(t, "held")
			e.Held = &held
		}
		if rapid.Bool().Draw(t, "args") {
			e.Args = map[string]float64{"latency_ms": rapid.Float64Range(-1e30, 1e30).Draw(t, "latency"), "odd key!": 1e-7}
		}
		if rapid.Bool().Draw(t, "proof") {
			e.Proof = []Probe{{Node: "n1", When: "during", What: "round-trip", Millis: 12.5, Bytes: 1 << 40, Error: genText().Draw(t, "failure"), Satisfies: true}, {}}
		}
		return e
	})
}

// genHistory draws a history: entries with rising indexes and times, mostly by
// one, and pairs that one line of the notation can hold.
func genHistory() *rapid.Generator[[]*Op] {
	return rapid.Custom(func(t *rapid.T) []*Op {
		var ops []*Op
		index, at := int64(-1), time.Duration(-1)
		for range rapid.IntRange(0, 12).Draw(t, "entries") {
			o := genOp().Draw(t, "op")
			index += rapid.SampledFrom([]int64{1, 1, 1, 3}).Draw(t, "index")
			at += time.Duration(rapid.SampledFrom([]int64{1, 1, 0, 1000}).Draw(t, "time"))
			o.Index, o.Time = index, max(at, 0)
			if o.Type != Invoke && o.Process != Nemesis && rapid.Bool().Draw(t, "paired") {
				inv := new(Op)
				invocationOf(o, inv)
				inv.Index, inv.Time = index, o.Time
				ops = append(ops, inv)
				index++
				o.Index, o.Time = index, o.Time+time.Duration(rapid.Int64Range(0, 3).Draw(t, "took"))
				at = o.Time
			}
			ops = append(ops, o)
		}
		return ops
	})
}

func genHeader() *rapid.Generator[Header] {
	return rapid.Custom(func(t *rapid.T) Header {
		yes, no := true, false
		h := Header{
			Format: FormatVersion, Tool: genText().Draw(t, "tool"), Name: genText().Draw(t, "name"),
			Seed: rapid.Uint64().Draw(t, "seed"), Started: "2026-11-23T21:00:00Z",
			Workers: rapid.IntRange(0, 9).Draw(t, "workers"), Tailed: rapid.Bool().Draw(t, "tailed"), FinalReads: rapid.Bool().Draw(t, "final"),
			Contract: Contract{
				Acks:        rapid.SampledFrom([]string{"", "all", "1", "0"}).Draw(t, "acks"),
				Idempotence: rapid.SampledFrom([]*bool{nil, &yes, &no}).Draw(t, "idempotence"),
				MinISR:      rapid.IntRange(0, 3).Draw(t, "min isr"), StalenessMillis: rapid.Int64Range(0, 99).Draw(t, "staleness"),
				Retention: genText().Draw(t, "retention"), Reads: "kafka",
			},
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "logs") {
			if rapid.Bool().Draw(t, "group") {
				h.Groups = append(h.Groups, Group{fmt.Sprintf("g, %d", i), ProtocolClassic, rapid.SampledFrom([]string{"", CommitsByOp, CommitsAuto}).Draw(t, "commits"), ResetEarliest})
			}
			h.Logs = append(h.Logs, Log{
				Key: int64(i), Topic: rapid.SampledFrom([]string{"orders", "a topic/x"}).Draw(t, "topic"), Partition: int32(i),
				Life: rapid.Int64Range(0, 2).Draw(t, "life"), Added: rapid.Bool().Draw(t, "added"),
				Cleanup: rapid.SampledFrom([]string{"", "delete", "compact", "none"}).Draw(t, "cleanup"), Retention: genText().Draw(t, "retention"),
				Tombstones: rapid.SampledFrom([]string{"", "1s"}).Draw(t, "tombstones"),
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "expectations") {
			e := Expect{Name: "x" + genText().Draw(t, "name"), Kind: "acked", Phase: genText().Draw(t, "phase"), Baseline: genText().Draw(t, "baseline")}
			if rapid.Bool().Draw(t, "limited") {
				e.Of, e.Args = []string{"send", genText().Draw(t, "of")}, map[string]float64{"at_least": rapid.Float64Range(-1e30, 1e30).Draw(t, "limit")}
			}
			h.Expect = append(h.Expect, e)
		}
		return h
	})
}
