package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/seed"
)

// Symbols stand for nodes in a plan. Who is meant is found when the event
// begins and stands in the history beside what was asked.
const (
	// AtLeader is the leader of one of the run's partitions, drawn by the event.
	// @leader:K is the leader of the run's K-th partition, from 0.
	AtLeader = "@leader"
	// AtController leads the controllers' quorum.
	AtController = "@controller"
	// AtRandom is any node, drawn by the event.
	AtRandom = "@random"
)

// symbols lists them for people.
var symbols = []string{AtLeader, AtController, AtRandom}

// symbolic says whether a target is a symbol, known or not.
func symbolic(s string) bool { return strings.HasPrefix(s, "@") }

// asksAdmin says whether the cluster must be asked who is meant.
func asksAdmin(s string) bool { return symbolic(s) && s != AtRandom }

// checkSymbol says whether a symbol is one that we know.
func checkSymbol(s string) error {
	name, number, numbered := strings.Cut(s, ":")
	if !slices.Contains(symbols, name) {
		return unknown(s, symbols, "symbols are")
	}
	if !numbered {
		return nil
	}
	if n, err := strconv.Atoi(number); name != AtLeader || err != nil || n < 0 || n > 1<<20 {
		return fmt.Errorf("%q: only %s takes a number, that of one of the run's partitions, as %s:0", s, AtLeader, AtLeader)
	}
	return nil
}

// anySymbol says whether who is meant is known only when the event begins.
func anySymbol(on []string) bool { return slices.ContainsFunc(on, symbolic) }

const (
	// resolveLimit is how long an event waits for an answer to who is meant: a
	// cluster without a leader elects one within it.
	resolveLimit = 8 * time.Second
	// askAgain is the pause between two questions to the cluster, which has
	// other work to do.
	askAgain = 250 * time.Millisecond
)

// resolve finds the nodes that an event means. The draws follow from the
// world's seed and the event's id.
func (w *World) resolve(ctx context.Context, e Event) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	for {
		on, err := w.resolveOnce(ctx, e)
		if err == nil {
			return on, nil
		}
		if !wait(ctx, askAgain) {
			return nil, err
		}
	}
}

// resolveOnce asks once.
func (w *World) resolveOnce(ctx context.Context, e Event) ([]string, error) {
	r := seed.Seed(w.Links.cfg.Seed).Derive("symbol").Worker("event", e.ID)
	var out []string
	for _, s := range e.On {
		node, err := w.meant(ctx, s, r, out)
		if err != nil {
			return nil, fmt.Errorf("tell who %s is: %w", s, err)
		}
		if slices.Contains(out, node) {
			continue // the controller may lead the partition as well
		}
		out = append(out, node)
	}
	return out, nil
}

// meant is the node that a target means; taken are those already meant.
func (w *World) meant(ctx context.Context, s string, r *rand.Rand, taken []string) (string, error) {
	name, number, numbered := strings.Cut(s, ":")
	switch {
	case !symbolic(s):
		return s, nil
	case name == AtRandom:
		free := slices.DeleteFunc(w.Links.names(), func(n string) bool { return slices.Contains(taken, n) })
		if len(free) == 0 {
			return "", errors.New("no node is left")
		}
		return free[r.IntN(len(free))], nil
	case w.Admin == nil:
		return "", errors.New("nobody can be asked on this target")
	}
	draw := r.Uint64() // before the question: its answer moves no other draw
	st, err := w.state(ctx)
	if err != nil {
		return "", err
	}
	if name == AtController {
		if st.Controller == "" {
			return "", errors.New("nobody says who leads the controllers")
		}
		return st.Controller, nil
	}
	if len(st.Partitions) == 0 {
		return "", errors.New("the run has no partitions")
	}
	k := draw % uint64(len(st.Partitions))
	if numbered {
		n, _ := strconv.Atoi(number)
		if n >= len(st.Partitions) {
			return "", fmt.Errorf("the run has %d partitions", len(st.Partitions))
		}
		k = uint64(n)
	}
	p := st.Partitions[k]
	if p.Leader == "" {
		return "", fmt.Errorf("%s/%d has no leader", p.Topic, p.Partition)
	}
	return p.Leader, nil
}
