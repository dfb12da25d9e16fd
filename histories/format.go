package histories

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// Format is a way to write a history down. The zero Format stands for "tell by
// the first bytes" and can only be read.
type Format struct {
	Name, Doc string
	Zstd      bool // compressed with Zstandard

	exts    []string
	looks   func(start []byte) bool
	open    func(*source) Reader
	encoder func() encoder
}

// Formats is the catalogue of the formats.
var Formats = []Format{
	{
		Name: "jsonl", Doc: "JSON Lines, one entry a line, header first: what runs record",
		exts: []string{".jsonl", ".ndjson", ".json"}, looks: looksJSON, open: openJSON,
		encoder: func() encoder { return plainEncoder{jsonHeader, AppendJSON} },
	},
	{
		Name: "edn", Doc: "EDN in the shape of jepsen.tests.kafka, one map a line, header as a comment",
		exts: []string{".edn"}, looks: looksEDN, open: openEDN,
		encoder: func() encoder { return plainEncoder{ednHeader, AppendEDN} },
	},
	{
		Name: "txt", Doc: "the one-line notation, for people and tests",
		exts: []string{".txt"}, looks: looksText, open: openText,
		encoder: func() encoder { return new(textEncoder) },
	},
}

const zstdExt = ".zst"

var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

// FormatOf returns the format that a file's name tells by its extension:
// .jsonl, .edn or .txt, each also with .zst.
func FormatOf(name string) (Format, error) {
	plain, isZstd := strings.CutSuffix(name, zstdExt)
	ext := filepath.Ext(plain)
	for _, f := range Formats {
		for _, e := range f.exts {
			if e == ext {
				f.Zstd = isZstd
				return f, nil
			}
		}
	}
	return Format{}, fmt.Errorf("%s: the extension tells no format of a history: want .jsonl, .edn or .txt, each also with %s", name, zstdExt)
}

// sniff tells the format by the first bytes.
func sniff(s *source) (Format, error) {
	start := peek(s, 4096)
	if len(bytes.TrimSpace(start)) == 0 && (s.eof || s.err != nil) {
		if s.err != nil {
			return Format{}, s.err
		}
		return Format{}, s.empty()
	}
	for _, f := range Formats {
		if f.looks(bytes.TrimLeft(start, " \t\r\n,")) {
			return f, nil
		}
	}
	return Format{}, s.failure(0, "", fmt.Sprintf("this is no history: want JSON Lines, EDN or the notation, found %q", start[:min(len(start), 24)]))
}

// empty describes a text in which there is nothing.
func (s *source) empty() error {
	if err := s.end(); s.err != nil || s.cut {
		return err
	}
	return s.failure(0, "", "the file is empty: want a history, at least its header")
}

// looksJSON: an object whose first key is a string.
func looksJSON(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("{"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return ok && len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// looksEDN: a comment, a map with keywords, a collection of maps, or a tag.
func looksEDN(b []byte) bool {
	return len(b) > 0 && (b[0] == ';' || b[0] == '{' || b[0] == '(' || b[0] == '[' || b[0] == '^' ||
		b[0] == '#' && len(b) > 1 && b[1] != ' ' && b[1] != '#' && b[1] != '\n' && b[1] != '\r')
}

// looksText: the notation's words at the beginning of a line.
func looksText(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if b[0] == '#' {
		return true
	}
	line, _, _ := bytes.Cut(b, newline)
	for _, w := range strings.Fields(string(line)) {
		switch {
		case w == "header" || w == "nemesis" || isProcess(w):
			return true
		case strings.HasPrefix(w, "i=") || strings.HasPrefix(w, "t="):
		default:
			return false
		}
	}
	return false
}
