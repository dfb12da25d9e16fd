package report

import (
	"fmt"
	"io"
	"strings"
)

// Page writes a catalogue as a Markdown page under docs/.
func Page(w io.Writer, c Catalogue) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s%s\n\n%s\n\nThis page is generated from the catalogue in the code (`make docs`).\n\n", strings.ToUpper(c.Name[:1]), c.Name[1:], c.Doc)
	writeRow(&b, c.Columns)
	dashes := make([]string, len(c.Columns))
	for i := range dashes {
		dashes[i] = "---"
	}
	writeRow(&b, dashes)
	for _, r := range c.Rows {
		cells := append([]string{"`" + r.Cells[0] + "`"}, r.Cells[1:]...)
		writeRow(&b, cells)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRow(b *strings.Builder, cells []string) {
	for _, c := range cells {
		c = strings.ReplaceAll(strings.ReplaceAll(c, "|", "\\|"), "\n", " ")
		b.WriteString("| " + c + " ")
	}
	b.WriteString("|\n")
}
