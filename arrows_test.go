package ackproof_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ackproof/ackproof"

// floors are the packages by floor: a package imports floors below its own
// only, and never a neighbour, except its own subpackages.
var floors = [][]string{
	{"internal/names", "internal/flips"},
	{"histories", "internal/seed", "internal/strictyaml", "internal/proc", "internal/netns", "internal/metrics", "internal/security"},
	{"generator", "nemesis", "client", "checker", "internal/target", "internal/histtest"},
	{"internal/page", "internal/shrink", "internal/keep"},
	{"internal/run", "internal/doctor", "internal/report"},
	{"internal/scenario"},
	{"internal/museum"},
	{"internal/soak"},
	{"", "internal/serve"},
	{"cmd/ackproof"},
}

// place returns the floor and the room of an import path of ours.
func place(path string) (floor int, room string) {
	rel := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	for i, rooms := range floors {
		for _, r := range rooms {
			if rel == r || r != "" && strings.HasPrefix(rel, r+"/") {
				return i, r
			}
		}
	}
	return -1, rel
}

func TestImportsPointDownwards(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var seen []string
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		floor, room := place(p.ImportPath)
		if floor < 0 {
			t.Errorf("package %s stands on no floor: add its room to the list, or move it", p.ImportPath)
			continue
		}
		seen = append(seen, room)
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module) {
				continue
			}
			below, r := place(imp)
			if r != room && below >= floor {
				t.Errorf("%s imports %s: arrows point to lower floors only", p.ImportPath, imp)
			}
		}
	}
	for _, want := range []string{"histories", "generator", "nemesis", "client", "checker", "internal/run", "cmd/ackproof"} {
		if !slices.Contains(seen, want) {
			t.Errorf("room %s was not looked at", want)
		}
	}
}
