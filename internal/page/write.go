package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed assets
var assets embed.FS

// The files of the page's one script and one style, in order.
var (
	scripts = []string{"uplot/uPlot.iife.min.js", "base.js", "charts.js", "logs.js", "timeline.js", "live.js", "compare.js", "main.js"}
	styles  = []string{"uplot/uPlot.min.css", "page.css", "charts.css"}
)

// Script is the script of every page, Style its style sheet.
var (
	Script = concat(scripts)
	Style  = concat(styles)
)

func concat(names []string) string {
	var b strings.Builder
	for _, name := range names {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // the names are constants of this file, and a test reads them
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.Write(text)
	}
	return b.String()
}

// Policy is the content security policy of a page: its own script and style,
// known by their hashes, and nothing else. more adds directives.
func Policy(more string) string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'self'%s",
		hash(Script), hash(Style), more)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Embed encodes a value so that it can stand in a script element: the encoding
// has no "<" in it.
func Embed(v any) (template.JS, error) {
	b, err := json.Marshal(v) // escapes <, >, & and the line separators
	if err != nil {
		return "", fmt.Errorf("encode the page's data: %w", err)
	}
	return template.JS(b), nil
}

// Marks of the data in a page, for Extract.
const (
	dataBegin = `<script type="application/json" id="data">`
	dataEnd   = `</script>`
)

// maxData bounds what Extract reads of a page, in bytes.
const maxData = 64 << 20

// Extract reads the data back out of a page.
func Extract(in io.Reader) (Data, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxData))
	if err != nil {
		return Data{}, fmt.Errorf("read the page: %w", err)
	}
	_, rest, ok := bytes.Cut(b, []byte(dataBegin))
	if !ok {
		return Data{}, fmt.Errorf("read the page: it carries no data: it was written by another program")
	}
	text, _, ok := bytes.Cut(rest, []byte(dataEnd))
	if !ok {
		return Data{}, fmt.Errorf("read the page: its data break off; write it again with check --html")
	}
	var d Data
	if err := unmarshal(text, &d); err != nil {
		return Data{}, fmt.Errorf("read the page's data: %w", err)
	}
	if d.Format != DataFormat {
		return Data{}, fmt.Errorf("the page's data have format %d, this version reads %d; write it again with check --html", d.Format, DataFormat)
	}
	return d, nil
}

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

// Write writes the page of a run.
func Write(w io.Writer, r Run, d Data) error {
	data, err := Embed(d)
	if err != nil {
		return err
	}
	v := newView(r, d)
	v.Data, v.Script, v.Style, v.Policy = data, template.JS(Script), template.CSS(Style), Policy("")
	if err := pages.ExecuteTemplate(w, "report.html", v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

var pages = template.Must(template.New("").Funcs(Funcs).ParseFS(assets, "assets/*.html"))

// Templates returns a copy of the pages' templates, to add others to that use
// their parts.
func Templates() (*template.Template, error) { return pages.Clone() }
