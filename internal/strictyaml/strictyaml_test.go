package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

type span time.Duration

func (s *span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("duration %q: want a number with a unit, such as 20s", b)
	}
	*s = span(d)
	return nil
}

type inner struct {
	Port  int      `yaml:"port"`
	Peers bool     `yaml:"peers"`
	Words []string `yaml:"words"`
}

type outer struct {
	Name   string             `yaml:"name"`
	Ports  map[string]inner   `yaml:"ports"`
	List   []inner            `yaml:"list"`
	Limit  span               `yaml:"limit"`
	Rate   float64            `yaml:"rate"`
	Script Text               `yaml:"script"`
	Maybe  *inner             `yaml:"maybe"`
	Limits map[string]float64 `yaml:"limits"`
	Hidden string
}

func TestDecode(t *testing.T) {
	in := `# a comment
name: 22
ports:
  kafka: {port: 9092, peers: true}
list:
  - words: [a, "b c"]
limit: 1m30s
rate: 1.5
maybe:
  port: 1
limits: {x: 2}
script: |
  one
  two
`
	var got outer
	if err := Decode("f.yaml", []byte(in), &got); err != nil {
		t.Fatal(err)
	}
	want := outer{
		Name: "22", Ports: map[string]inner{"kafka": {Port: 9092, Peers: true}},
		List: []inner{{Words: []string{"a", "b c"}}}, Limit: span(90 * time.Second), Rate: 1.5,
		Script: Text{Value: "one\ntwo\n", Line: 13, Field: "script", lines: true},
		Maybe:  &inner{Port: 1}, Limits: map[string]float64{"x": 2},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if e := got.Script.At("f.yaml", 2, "bad").Error(); e != "f.yaml line 14: script: bad" {
		t.Error(e)
	}
}

func TestRefused(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "f.yaml: the file is empty",
		"name: a\nnmae: b":                  `f.yaml line 2: nmae: unknown field (did you mean "name"?); there are: name, ports, list, limit, rate, script, maybe, limits`,
		"Hidden: x":                         "f.yaml line 1: Hidden: unknown field; there are: name, ports, list, limit, rate, script, maybe, limits",
		"ports:\n  a:\n    prot: 1":         `f.yaml line 3: ports.a.prot: unknown field (did you mean "port"?); there are: port, peers, words`,
		"list:\n- port: 1\n- port: many":    `f.yaml line 3: list[1].port: "many": want a whole number`,
		"list:\n- peers: maybe":             `f.yaml line 2: list[0].peers: "maybe": want true or false`,
		"list: {a: 1}":                      "f.yaml line 1: list: want a list, not names with values",
		"list:":                             "f.yaml line 1: list: want a list, not nothing",
		"ports: [1]":                        "f.yaml line 1: ports: want names with values, not a list",
		"limit: 20":                         `f.yaml line 1: limit: duration "20": want a number with a unit, such as 20s`,
		"limit: [1]":                        "f.yaml line 1: limit: want a single value, not a list",
		"rate: ~":                           `f.yaml line 1: rate: "~": want a number`,
		"name: [a]":                         "f.yaml line 1: name: want a text, not a list",
		"script: {a: b}":                    "f.yaml line 1: script: want a text, not names with values",
		"name: a\nname: b":                  "f.yaml line 2: name: stands here a second time",
		"limits: {x: 1, x: 2}":              "f.yaml line 1: limits.x: stands here a second time",
		"name: a\n---\nname: b":             "f.yaml line 2: a second document begins here; want one",
		"name: a\nlist:\n  - a: [":          "f.yaml line 3: did not find expected node content",
		"just a text":                       `f.yaml line 1: want fields with values, not "just a text"`,
		"name: a\nports:\n\ttab: {port: 1}": "f.yaml line 3: found character that cannot start any token",
	} {
		err := Decode("f.yaml", []byte(in), &outer{})
		var e *Error
		if !errors.As(err, &e) || e.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", in, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: a\nports: {x: {port: 1}}\n"))
	f.Add([]byte("a: &a [*a]\nlist: *a"))
	f.Add([]byte("script: |\n  x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := Decode("f.yaml", b, &outer{})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%T: %v", err, err)
		}
	})
}

// TestLine finds fields, and what should hold those that are not there.
func TestLine(t *testing.T) {
	file := []byte("name: x\nsteps:\n  - phase: a\n    faults:\n      - fault: down\n        on: [n1]\n  - phase: b\n")
	for path, want := range map[string]int{
		"name": 1, "steps": 2, "steps[0]": 3, "steps[0].faults[0].on": 6, "steps[1].phase": 7,
		"steps[1].faults[0].on": 7, "steps[9].phase": 2, "nothing": 0, "": 0,
	} {
		if got := Line(file, path); got != want {
			t.Errorf("%s: line %d, want %d", path, got, want)
		}
	}
	if got := Line([]byte("a: [\n"), "a"); got != 0 {
		t.Errorf("no YAML has line %d", got)
	}
}
