package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/names"
)

// jepsenFlags are the options of jepsen.tests.kafka, in its words.
type jepsenFlags struct {
	rules  string
	subVia string
	wwDeps bool
}

func (f *jepsenFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.rules, "rules", "", "jepsen: say also what jepsen.tests.kafka would (docs/jepsen.md); the exit code stays ours")
	flags.StringVar(&f.subVia, "sub-via", "assign", "with --rules jepsen, how consumers got their logs: assign or subscribe, or both with a comma")
	flags.BoolVar(&f.wwDeps, "ww-deps", true, "with --rules jepsen, infer the order of writes from offsets; without it every cycle counts")
}

// parse returns the rules that were asked for, nil where none were.
func (f *jepsenFlags) parse(changed func(string) bool) (*checker.JepsenRules, error) {
	switch f.rules {
	case "":
		for _, name := range []string{"sub-via", "ww-deps"} {
			if changed(name) {
				return nil, fmt.Errorf("--%s is an option of --rules jepsen", name)
			}
		}
		return nil, nil
	case "jepsen":
	default:
		return nil, fmt.Errorf("--rules %s%s: want jepsen", f.rules, names.Hint(f.rules, []string{"jepsen"}))
	}
	o := &checker.JepsenRules{NoWW: !f.wwDeps}
	for via := range strings.SplitSeq(f.subVia, ",") {
		switch strings.TrimPrefix(strings.TrimSpace(via), ":") {
		case "assign":
		case "subscribe":
			o.Subscribe = true
		default:
			return nil, fmt.Errorf("--sub-via %q%s: want assign or subscribe, or both with a comma", via, names.Hint(via, []string{"assign", "subscribe"}))
		}
	}
	return o, nil
}
