package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/mutants"
	"github.com/ackproof/ackproof/nemesis"
)

// Catalogue is a table of names for list and for the reference pages.
type Catalogue struct {
	Name, Doc string
	Columns   []string // of a reference page, the name first
	Rows      []Row
}

// Row is an entry: Name and Line for list, Cells for a reference page.
type Row struct {
	Name, Line string
	Cells      []string
}

// everything is what a cluster of our own offers with a network namespace.
var everything = nemesis.Offer{OwnServer: true, Peers: true, Processes: true, Admin: true, Netns: true}

// Catalogues returns all of them, as they stand on a cluster of our own.
func Catalogues() []Catalogue { return CataloguesOn(everything) }

// CataloguesOn returns all of them for what a target offers: it decides which
// faults "all" means.
func CataloguesOn(o nemesis.Offer) []Catalogue {
	return []Catalogue{
		workloads(), faults(o), kinds(), targets(), models(), brokenBrokers(), outcomes(), expectations(),
	}
}

func workloads() Catalogue {
	c := Catalogue{Name: "workloads", Doc: "What the clients do: `--workload NAME`.", Columns: []string{"workload", "client", "what it does"}}
	for _, w := range generator.Workloads {
		c.Rows = append(c.Rows, Row{w.Name, w.Doc, []string{w.Name, w.Client, w.Doc}})
	}
	return c
}

// faults lists the faults; those that "all" means there are marked.
func faults(o nemesis.Offer) Catalogue {
	c := Catalogue{
		Name: "faults", Doc: "What the nemesis breaks: `--nemesis NAME,…`. `all` means those marked whose needs the target meets " +
			"(`ackproof list faults --target T` marks only these); on a foreign Toxiproxy server (`--toxiproxy`) those that it can do and that can be proven there. " +
			"What is not marked may break the contract by itself and is drawn by name only. " +
			"In a plan, `@leader`, `@leader:K`, `@controller` and `@random` stand for nodes that are found when the event begins.",
		Columns: []string{"fault", "all", "needs", "directions", "parameters (realistic range)", "what it does"},
	}
	for _, f := range nemesis.Faults {
		all := ""
		if slices.Contains(nemesis.FaultNames(o), f.Name) {
			all = "all"
		}
		var args []string
		for _, a := range f.Args {
			args = append(args, argText(a))
		}
		line := f.Doc
		if all != "" {
			line = "[all] " + line
		}
		c.Rows = append(c.Rows, Row{f.Name, line, []string{
			f.Name, all, needs(f), strings.Join(f.Directions, ", "), strings.Join(args, "; "), f.Doc,
		}})
	}
	return c
}

// needs lists what a fault needs of the target.
func needs(f nemesis.Fault) string {
	words := make([]string, len(f.Needs))
	for i, n := range f.Needs {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

// argText is a parameter with its realistic range.
func argText(a nemesis.Arg) string {
	text := fmt.Sprintf("%s %g–%g %s", a.Name, a.Min, a.Max, a.Unit)
	if a.Optional {
		text += " (optional)"
	}
	return text
}

func kinds() Catalogue {
	c := Catalogue{
		Name: "kinds", Doc: "What a verdict may say. Harness kinds make a run unknown, never invalid.",
		Columns: []string{"kind", "group", "what it breaks", "who promises that", "allowed by", "Jepsen's name", "evidence"},
	}
	for _, k := range checker.Kinds {
		c.Rows = append(c.Rows, Row{string(k.Name), "[" + k.Group + "] " + k.Doc, []string{
			string(k.Name), k.Group, k.Doc, k.Source, k.AllowedBy, k.Jepsen, k.Evidence,
		}})
	}
	return c
}

func expectations() Catalogue {
	c := Catalogue{
		Name: "expectations", Doc: "What a scenario, or a history's header, may expect of the run. One that is not met makes the verdict invalid; one that cannot be judged makes it unknown.",
		Columns: []string{"expectation", "what it says", "of", "numbers"},
	}
	for _, k := range checker.Expectations {
		var args []string
		for _, a := range k.Args {
			args = append(args, fmt.Sprintf("%s: %s (%s)", a.Name, a.Doc, a.Unit))
		}
		c.Rows = append(c.Rows, Row{k.Name, k.Doc, []string{k.Name, k.Doc, k.Of, strings.Join(args, "; ")}})
	}
	return c
}

func targets() Catalogue {
	c := Catalogue{Name: "targets", Doc: "Where the broker comes from: `--target NAME[:ARGUMENT]`.", Columns: []string{"target", "what it is"}}
	for _, t := range target.Targets {
		c.Rows = append(c.Rows, Row{t.Name, t.Doc, []string{t.Name, t.Doc}})
	}
	return c
}

func models() Catalogue {
	c := Catalogue{Name: "models", Doc: "How reads are judged: `--model NAME`.", Columns: []string{"model", "what is promised"}}
	for _, m := range checker.Models {
		c.Rows = append(c.Rows, Row{m.Name, m.Doc, []string{m.Name, m.Doc}})
	}
	return c
}

func brokenBrokers() Catalogue {
	c := Catalogue{
		Name: "mutants", Doc: "Deliberately broken brokers: `--mutant NAME` on the embedded target.",
		Columns: []string{"mutant", "convicted of", "may follow", "what it does"},
	}
	for _, m := range mutants.Mutants {
		c.Rows = append(c.Rows, Row{m.Name, m.Headline + ": " + m.Doc, []string{
			m.Name, m.Headline, strings.Join(m.Followers, ", "), m.Doc,
		}})
	}
	return c
}

func outcomes() Catalogue {
	c := Catalogue{
		Name: "outcomes", Doc: "How the outcome of a single attempt is classed. What is not listed is info.",
		Columns: []string{"what happened", "class", "definite", "why"},
	}
	for _, o := range client.Outcomes {
		definite := ""
		if o.Definite {
			definite = "yes"
		}
		c.Rows = append(c.Rows, Row{strings.ReplaceAll(o.Name, " ", "-"), o.Type.String() + ": " + o.Doc, []string{
			o.Name, o.Type.String(), definite, o.Doc,
		}})
	}
	return c
}
