package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the generated pages under docs/")

// The reference pages say what the catalogues say.
func TestPagesAreUpToDate(t *testing.T) {
	for _, c := range Catalogues() {
		if len(c.Rows) == 0 {
			t.Errorf("catalogue %s is empty", c.Name)
		}
		var b bytes.Buffer
		if err := Page(&b, c); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "..", "docs", c.Name+".md")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v: run make docs", err)
		}
		if !bytes.Equal(have, b.Bytes()) {
			t.Errorf("%s is not what the catalogue says: run make docs", path)
		}
	}
}

// Every row has a name that a flag can take and says what it is.
func TestRowsAreNamedAndDocumented(t *testing.T) {
	for _, c := range Catalogues() {
		seen := map[string]bool{}
		for _, r := range c.Rows {
			if r.Name == "" || r.Line == "" || len(r.Cells) != len(c.Columns) {
				t.Errorf("%s: row %+v: want a name, a line and %d cells", c.Name, r, len(c.Columns))
			}
			if seen[r.Name] {
				t.Errorf("%s: %s stands twice", c.Name, r.Name)
			}
			seen[r.Name] = true
		}
	}
}
