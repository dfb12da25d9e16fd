// Package flips mutates the checker: it turns single conditions of its passes
// into their opposites, to see whether the tests notice.
//
// All conditions of a package are wrapped once, and which of them is flipped is
// said by an environment variable, so that one test binary serves them all.
package flips

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Variable is the environment variable with the number of the condition that is
// flipped; unset: none is.
const Variable = "ACKPROOF_FLIP"

// Site is a condition that can be flipped.
type Site struct {
	ID   int
	Dir  string // of the package, as it was given
	File string // its base name
	Func string // with its receiver's type; empty outside of functions
	Line int
	Text string // the condition
}

// Overlay holds packages with their conditions wrapped.
type Overlay struct {
	Path  string // what go's -overlay takes
	Sites []Site
}

// wrapper is added to each package. It is called for every condition, so it
// does nothing but compare.
const wrapper = `package %s

import (
	"os"
	"strconv"
)

var flippedSite = func() int {
	n, err := strconv.Atoi(os.Getenv("` + Variable + `"))
	if err != nil {
		return -1
	}
	return n
}()

func flipped(site int, cond bool) bool { return cond != (site == flippedSite) }
`

// Wrap wraps every condition of the packages in these directories. What it
// writes goes into scratch; the sources stay as they are.
func Wrap(scratch string, dirs ...string) (*Overlay, error) {
	o := &Overlay{Path: filepath.Join(scratch, "overlay.json")}
	replace := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", dir, err)
		}
		pkg := ""
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			src, name, err := o.wrap(dir, file)
			if err != nil {
				return nil, err
			}
			pkg = name
			if err := put(scratch, replace, file, src); err != nil {
				return nil, err
			}
		}
		if pkg == "" {
			return nil, fmt.Errorf("directory %s holds no Go package", dir)
		}
		if err := put(scratch, replace, filepath.Join(dir, "flipped.go"), fmt.Appendf(nil, wrapper, pkg)); err != nil {
			return nil, err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, fmt.Errorf("write the overlay: %w", err)
	}
	return o, os.WriteFile(o.Path, b, 0o644)
}

// put writes a file into scratch and makes it stand for the one at path.
func put(scratch string, replace map[string]string, path string, src []byte) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	to := filepath.Join(scratch, strings.ReplaceAll(strings.TrimPrefix(abs, "/"), "/", "+"))
	replace[abs] = to
	if err := os.WriteFile(to, src, 0o644); err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	return nil
}

// edit is a piece of text to be inserted.
type edit struct {
	at    int
	close bool
	text  string
}

// wrap returns the source of a file with its conditions wrapped.
func (o *Overlay) wrap(dir, file string) (src []byte, pkg string, err error) {
	src, err = os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("read a source: %w", err)
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", fmt.Errorf("read a source: %w", err)
	}
	var edits []edit
	for _, e := range conditions(tree) {
		from, to := fset.Position(e.Pos()), fset.Position(e.End())
		site := Site{ID: len(o.Sites), Dir: dir, File: filepath.Base(file), Func: function(tree, e.Pos()), Line: from.Line, Text: oneLine(src[from.Offset:to.Offset])}
		o.Sites = append(o.Sites, site)
		edits = append(edits, edit{from.Offset, false, fmt.Sprintf("flipped(%d, ", site.ID)}, edit{to.Offset, true, ")"})
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a.close == b.close {
			return c
		} else if a.close {
			return -1
		}
		return 1
	})
	var b []byte
	last := 0
	for _, e := range edits {
		b = append(append(b, src[last:e.at]...), e.text...)
		last = e.at
	}
	return append(b, src[last:]...), tree.Name.Name, nil
}

// conditions returns the atoms of every condition: what if, for and the cases of
// a bare switch decide by, and the operands of && and || wherever they stand.
func conditions(tree *ast.File) []ast.Expr {
	seen := map[token.Pos]bool{}
	var out []ast.Expr
	var atoms func(e ast.Expr)
	atoms = func(e ast.Expr) {
		switch x := e.(type) {
		case nil:
			return
		case *ast.ParenExpr:
			atoms(x.X)
			return
		case *ast.UnaryExpr:
			if x.Op == token.NOT {
				atoms(x.X)
				return
			}
		case *ast.BinaryExpr:
			if x.Op == token.LAND || x.Op == token.LOR {
				atoms(x.X)
				atoms(x.Y)
				return
			}
		}
		if !seen[e.Pos()] {
			seen[e.Pos()] = true
			out = append(out, e)
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.IfStmt:
			atoms(x.Cond)
		case *ast.ForStmt:
			if x.Cond != nil {
				atoms(x.Cond)
			}
		case *ast.SwitchStmt:
			for _, c := range x.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					if x.Tag == nil {
						atoms(e)
					}
				}
			}
		case *ast.BinaryExpr:
			if x.Op == token.LAND || x.Op == token.LOR {
				atoms(x)
			}
		}
		return true
	})
	slices.SortFunc(out, func(a, b ast.Expr) int { return cmp.Compare(a.Pos(), b.Pos()) })
	return out
}

func oneLine(src []byte) string { return strings.Join(strings.Fields(string(src)), " ") }

// function names the function around a position.
func function(tree *ast.File, pos token.Pos) string {
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || pos < f.Pos() || pos >= f.End() {
			continue
		}
		if f.Recv == nil || len(f.Recv.List) == 0 {
			return f.Name.Name
		}
		of := f.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if generic, ok := of.(*ast.IndexExpr); ok {
			of = generic.X
		}
		if name, ok := of.(*ast.Ident); ok {
			return name.Name + "." + f.Name.Name
		}
		return f.Name.Name
	}
	return ""
}

// Sample draws n of the sites with a seed, in their order. Each has its own
// lot, of what it says and where: a change to one function does not redraw the
// conditions of the others.
func (o *Overlay) Sample(n int, seed uint64) []Site {
	type lot struct {
		at   uint64
		site Site
	}
	lots := make([]lot, len(o.Sites))
	nth := map[string]int{}
	for i, s := range o.Sites {
		what := fmt.Sprint(filepath.Base(s.Dir), "/", s.File, " ", s.Func, " ", s.Text)
		h := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, what, nth[what]))
		nth[what]++
		lots[i] = lot{binary.BigEndian.Uint64(h[:]), s}
	}
	slices.SortFunc(lots, func(a, b lot) int { return cmp.Compare(a.at, b.at) })
	out := make([]Site, min(n, len(lots)))
	for i := range out {
		out[i] = lots[i].site
	}
	slices.SortFunc(out, func(a, b Site) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
