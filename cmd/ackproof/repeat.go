package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/internal/run"
)

// repeatCommand is the command line that makes the same run again: every flag
// whose value is not the default, and the seed.
func repeatCommand(s run.Spec, f runFlags) string {
	args := []string{"ackproof", "run"}
	add := func(flag, v string) { args = append(args, "--"+flag, quote(v)) }
	base, def := pflag.NewFlagSet("", pflag.ContinueOnError), run.Default()
	specFlags(base, &def)
	flags, cur := pflag.NewFlagSet("", pflag.ContinueOnError), s
	specFlags(flags, &cur)
	cur = s // binding a flag resets some fields to its default
	flags.VisitAll(func(fl *pflag.Flag) {
		v := fl.Value.String()
		switch {
		case fl.Name == "seed": // stands last, always
		case fl.Name == "safe": // stands for other flags, whose values are here
		case fl.Name == "name" && v == defaultName(s):
		case v == base.Lookup(fl.Name).Value.String() && (fl.Name != "nemesis" || !external(s)):
		default:
			args = append(args, flagWords(fl)...)
		}
	})
	if f.plan != "" {
		add("plan", f.plan)
	}
	if f.store != defaultStore {
		add("store", f.store)
	}
	add("seed", fmt.Sprint(s.Seed))
	return strings.Join(args, " ")
}

// flagWords are the words of a command line that give a flag its value.
func flagWords(f *pflag.Flag) (words []string) {
	for _, v := range flagValues(f) {
		if f.Value.Type() == "bool" {
			words = append(words, "--"+f.Name+"="+v)
			continue
		}
		words = append(words, "--"+f.Name, quote(v))
	}
	return words
}

// flagValues are the values that a flag has to be given, one after the other,
// to be what it is.
func flagValues(f *pflag.Flag) []string {
	if f.Value.Type() == "stringArray" { // each value is a flag of its own
		return f.Value.(pflag.SliceValue).GetSlice()
	}
	return []string{strings.Trim(f.Value.String(), "[]")}
}

// plain needs no quotes in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote writes a word as a POSIX shell reads it.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
