package serve

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/ackproof/ackproof/internal/page"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.Must(page.Templates()).Funcs(template.FuncMap{
	"path": escapePath,
}).ParseFS(assets, "assets/*.html"))

// escapePath writes a path for a link.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// frame is what all pages have.
type frame struct {
	Title  string
	Mode   string // what the script does, see main.js
	Script template.JS
	Style  template.CSS
	Data   template.JS // for the script; empty: none
}

func newFrame(title string) frame {
	return frame{Title: title, Mode: "text", Script: template.JS(page.Script), Style: template.CSS(page.Style)}
}

// ownPolicy is that of the server's own pages: their script may ask this server.
var ownPolicy = page.Policy("; connect-src 'self'; frame-ancestors 'none'")

// render answers with a page.
func (s *Server) render(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", ownPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// message is a page that says one thing.
type message struct {
	frame
	Text string
}

// fail answers with a page that says what is wrong and where to go on.
func (s *Server) fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Security-Policy", ownPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "message.html", &message{newFrame(http.StatusText(status)), text}); err == nil {
		_, _ = w.Write(b.Bytes())
	}
}
