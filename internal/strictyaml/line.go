package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Line finds the line of a field by its path, as errors name it: steps[0].on.
// Where the file does not have the field it is the line of what should hold it;
// 0 where the file has nothing of the path.
func Line(b []byte, path string) int {
	var doc yaml.Node
	if yaml.Unmarshal(b, &doc) != nil || len(doc.Content) == 0 {
		return 0
	}
	n, line := doc.Content[0], 0
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }) {
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := child(n, part)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

// child is a field of a mapping or an entry ("3]") of a list, and its line.
func child(n *yaml.Node, part string) (*yaml.Node, int) {
	if number, ok := strings.CutSuffix(part, "]"); ok {
		at := 0
		for _, digit := range number {
			at = at*10 + int(digit-'0')
		}
		if n.Kind == yaml.SequenceNode && at < len(n.Content) {
			return n.Content[at], n.Content[at].Line
		}
		return nil, 0
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	}
	return nil, 0
}
