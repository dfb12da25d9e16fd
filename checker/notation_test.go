package checker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// parse reads a small notation for the tables here: operations separated by
// semicolons, each an invocation and its completion unless it begins with >
// (invocation only) or < (completion only).
//
//	p0 s 1@0 2@1     p0 s 1 !info     p0 s 3@nil     p0 s k1:5@0
//	p1 p 1@0 2@1     p1 p @7:1@7      p1 p k1:5@0    p1 p 5@2~corrupt   p1 p
//	p1 a 0 1         p1 a 0 =5        p1 a 0 back    p1 start 0=4       p1 end 0=9
//	final            end              (phases)
func parse(t testing.TB, text string) histtest.History {
	t.Helper()
	var h histtest.History
	add := func(op histories.Op, typ histories.Type) {
		op.Type, op.Index, op.Time = typ, int64(len(h.Ops)), time.Duration(len(h.Ops)+1)*time.Millisecond
		h.Ops = append(h.Ops, op.Clone())
	}
	for _, line := range strings.Split(text, ";") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) == 1 {
			add(histories.Op{Process: histories.Nemesis, F: histories.Phase, Event: &histories.Event{ID: -1, Phase: words[0]}}, histories.Info)
			continue
		}
		side := ""
		if words[0] == ">" || words[0] == "<" {
			side, words = words[0], words[1:]
		}
		op, typ := operation(t, words)
		if side != "<" {
			in := op.Clone()
			in.Runs, in.Recs, in.Fetched, in.Bad = nil, nil, nil, nil
			for i := range in.Mops {
				in.Mops[i].Offset, in.Mops[i].Polled, in.Mops[i].From, in.Mops[i].To = histories.OffsetUnknown, false, 0, 0
			}
			if op.F != histories.Assign {
				in.Offsets = nil
			}
			add(in, histories.Invoke)
		}
		if side != ">" {
			add(op, typ)
		}
	}
	return h
}

func operation(t testing.TB, words []string) (op histories.Op, typ histories.Type) {
	t.Helper()
	typ = histories.OK
	op.Process = number(t, strings.TrimPrefix(words[0], "p"))
	op.F = map[string]histories.F{"s": histories.Send, "p": histories.Poll, "t": histories.Txn, "a": histories.Assign,
		"start": histories.StartOffsets, "end": histories.EndOffsets, "crash": histories.Crash}[words[1]]
	if op.F == histories.Poll {
		op.Mops = []histories.Mop{{Polled: true}}
	}
	for _, w := range words[2:] {
		switch {
		case w == "!fail":
			typ = histories.Fail
		case w == "!info":
			typ = histories.Info
		case w == "back":
			op.Seek = histories.Seek{To: histories.SeekBack, Back: 1}
		case w == "beginning":
			op.Seek.To = histories.SeekBeginning
		case strings.HasPrefix(w, "="):
			op.Offsets = append(op.Offsets, histories.KeyOffset{Key: op.Keys[len(op.Keys)-1], Offset: number(t, w[1:])})
		case op.F == histories.Assign:
			op.Keys = append(op.Keys, number(t, w))
		case op.F == histories.StartOffsets || op.F == histories.EndOffsets:
			k, o, _ := strings.Cut(w, "=")
			op.Keys = append(op.Keys, number(t, k))
			op.Offsets = append(op.Offsets, histories.KeyOffset{Key: number(t, k), Offset: number(t, o)})
		case op.F == histories.Txn && w[0] == '?':
			op.Mops = append(op.Mops, histories.Mop{Polled: true, From: int32(len(op.Runs)), To: int32(len(op.Runs))})
			polled(t, w[1:], &op)
		case op.F == histories.Poll:
			polled(t, w, &op)
		default:
			op.Mops = append(op.Mops, sent(t, w))
		}
	}
	return op, typ
}

func sent(t testing.TB, w string) histories.Mop {
	m := histories.Mop{Send: true, Offset: histories.OffsetUnknown}
	if k, rest, ok := strings.Cut(w, ":"); ok {
		m.Key, w = number(t, k[1:]), rest
	}
	v, o, has := strings.Cut(w, "@")
	m.Value = number(t, v)
	if has {
		m.Offset = offset(t, o)
	}
	return m
}

func polled(t testing.TB, w string, op *histories.Op) {
	key := int64(0)
	if k, rest, ok := strings.Cut(w, ":"); ok && k[0] == 'k' {
		key, w = number(t, k[1:]), rest
	}
	if pos, rest, ok := strings.Cut(w, ":"); ok {
		op.Fetched = append(op.Fetched, histories.Fetched{Key: key, Position: number(t, pos[1:]), HighWatermark: -1})
		if w = rest; w == "" {
			return
		}
	}
	w, why, bad := strings.Cut(w, "~")
	v, o, _ := strings.Cut(w, "@")
	rec := histories.Rec{Offset: offset(t, o), Value: number(t, v)}
	if n := len(op.Runs); n == 0 || op.Runs[n-1].Key != key {
		op.Runs = append(op.Runs, histories.Run{Key: key, From: int32(len(op.Recs)), To: int32(len(op.Recs))})
	}
	op.Recs = append(op.Recs, rec)
	op.Runs[len(op.Runs)-1].To++
	op.Mops[len(op.Mops)-1].To = int32(len(op.Runs))
	if bad {
		op.Bad = append(op.Bad, histories.BadRec{Key: key, Offset: rec.Offset, Why: why})
	}
}

func offset(t testing.TB, s string) int64 {
	if s == "nil" {
		return histories.OffsetNil
	}
	return number(t, s)
}

func number(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("notation: %w", err))
	}
	return n
}
