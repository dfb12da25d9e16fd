// Package strictyaml reads YAML files that people write: what is not understood
// is refused with its line, its field and the name that was probably meant.
package strictyaml

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ackproof/ackproof/internal/names"
)

// Error is a fault in a file.
type Error struct {
	File  string
	Line  int    // from 1; 0: the file as a whole
	Field string // path of the field: nodes[1].command; empty: the file as a whole
	Why   string
}

// Error says "FILE line N: FIELD: why".
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(" line %d", e.Line)
	}
	if e.Field != "" {
		s += ": " + e.Field
	}
	return s + ": " + e.Why
}

// Text is a string that remembers where it stands, for those who find a fault in
// it later.
type Text struct {
	Value string
	Line  int    // of its first line of text; 0: it was not in a file
	Field string // path of the field
	lines bool   // line breaks of Value are those of the file
}

// At makes an error of something in the text, on its given line (from 1).
func (t Text) At(file string, line int, why string) *Error {
	at := t.Line
	if t.lines && line > 1 {
		at += line - 1
	}
	return &Error{File: file, Line: at, Field: t.Field, Why: why}
}

// Decode reads one YAML document into v, a pointer to a struct whose fields are
// named by their yaml tags; fields without a tag are not read. Supported are
// strings, booleans, numbers, structs, pointers to them, slices, maps with
// string keys, Text, and whatever implements encoding.TextUnmarshaler. file names
// the source in errors, all of which are *Error.
func Decode(file string, b []byte, v any) error {
	d := decoder{file}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return d.refuse(nil, "", "the file is empty")
	} else if err != nil {
		return d.syntax(err)
	}
	if err := dec.Decode(&more); err == nil {
		return d.refuse(&more, "", "a second document begins here; want one")
	} else if !errors.Is(err, io.EOF) {
		return d.syntax(err)
	}
	return d.value(doc.Content[0], "", reflect.ValueOf(v).Elem())
}

type decoder struct{ file string }

func (d decoder) refuse(n *yaml.Node, field, format string, args ...any) error {
	e := &Error{File: d.file, Field: field, Why: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Line = n.Line
	}
	return e
}

// syntax takes the line out of the library's own error.
func (d decoder) syntax(err error) error {
	e := &Error{File: d.file, Why: strings.TrimPrefix(err.Error(), "yaml: ")}
	if n, _ := fmt.Sscanf(e.Why, "line %d: ", &e.Line); n == 1 {
		_, e.Why, _ = strings.Cut(e.Why, ": ")
	}
	return e
}

var textType = reflect.TypeFor[Text]()

// value reads a node into v.
func (d decoder) value(n *yaml.Node, field string, v reflect.Value) error {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, field, v.Elem())
	}
	if v.Type() == textType {
		return d.text(n, field, v)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind != yaml.ScalarNode {
			return d.refuse(n, field, "want a single value, not %s", kindOf(n))
		}
		if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			return d.refuse(n, field, "%v", err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.fields(n, field, v)
	case reflect.Map:
		return d.entries(n, field, v)
	case reflect.Slice:
		return d.items(n, field, v)
	}
	return d.scalar(n, field, v)
}

// text reads a string with its place.
func (d decoder) text(n *yaml.Node, field string, v reflect.Value) error {
	if n.Kind != yaml.ScalarNode {
		return d.refuse(n, field, "want a text, not %s", kindOf(n))
	}
	t := Text{Value: n.Value, Line: n.Line, Field: field}
	if n.Style&yaml.LiteralStyle != 0 { // its text begins on the line after the bar
		t.Line, t.lines = n.Line+1, true
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

// scalar reads a string, a boolean or a number.
func (d decoder) scalar(n *yaml.Node, field string, v reflect.Value) error {
	want := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false"}[v.Kind()]
	switch {
	case v.CanInt():
		want = "a whole number"
	case v.CanUint():
		want = "a whole number that is not negative"
	case v.CanFloat():
		want = "a number"
	}
	if n.Kind != yaml.ScalarNode {
		return d.refuse(n, field, "want %s, not %s", want, kindOf(n))
	}
	if v.Kind() == reflect.String { // 22 and true are texts where a text is wanted
		v.SetString(n.Value)
		return nil
	}
	if n.Decode(v.Addr().Interface()) != nil || n.Tag == "!!null" {
		return d.refuse(n, field, "%q: want %s", n.Value, want)
	}
	return nil
}

// items reads a list. A single value is no list: it would hide a mistake.
func (d decoder) items(n *yaml.Node, field string, v reflect.Value) error {
	if n.Kind != yaml.SequenceNode {
		return d.refuse(n, field, "want a list, not %s", kindOf(n))
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		if err := d.value(c, fmt.Sprintf("%s[%d]", field, i), s.Index(i)); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

// entries reads a map whose keys are free.
func (d decoder) entries(n *yaml.Node, field string, v reflect.Value) error {
	if n.Kind != yaml.MappingNode {
		return d.refuse(n, field, "want names with values, not %s", kindOf(n))
	}
	m := reflect.MakeMap(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		k := reflect.ValueOf(key.Value).Convert(v.Type().Key())
		if m.MapIndex(k).IsValid() {
			return d.refuse(key, join(field, key.Value), "stands here a second time")
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(n.Content[i+1], join(field, key.Value), e); err != nil {
			return err
		}
		m.SetMapIndex(k, e)
	}
	v.Set(m)
	return nil
}

// fields reads a struct.
func (d decoder) fields(n *yaml.Node, field string, v reflect.Value) error {
	if n.Kind != yaml.MappingNode {
		return d.refuse(n, field, "want fields with values, not %s", kindOf(n))
	}
	byName := map[string]int{}
	var known []string
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			byName[name] = i
			known = append(known, name)
		}
	}
	var seen []string
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		at, ok := byName[key.Value]
		if !ok {
			return d.refuse(key, join(field, key.Value), "unknown field%s; there are: %s", names.Hint(key.Value, known), strings.Join(known, ", "))
		}
		if slices.Contains(seen, key.Value) {
			return d.refuse(key, join(field, key.Value), "stands here a second time")
		}
		seen = append(seen, key.Value)
		if err := d.value(n.Content[i+1], join(field, key.Value), v.Field(at)); err != nil {
			return err
		}
	}
	return nil
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// kindOf names what stands in the file.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "names with values"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}
