package histories

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNewRunDir(t *testing.T) {
	store := t.TempDir()
	at := time.Date(2026, 11, 23, 21, 4, 5, 678_000_000, time.FixedZone("east", 3600))
	var dirs []string
	for _, name := range []string{"log", "log", "queue", "log"} { // all at the same time
		dir, err := NewRunDir(store, name, at)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
		for _, link := range []string{filepath.Join(store, LatestLink), filepath.Join(store, name, LatestLink)} {
			to, err := filepath.EvalSymlinks(link)
			want, _ := filepath.EvalSymlinks(dir)
			if err != nil || to != want {
				t.Errorf("%s leads to %s, %v, want %s", link, to, err, want)
			}
			if target, _ := os.Readlink(link); filepath.IsAbs(target) {
				t.Errorf("%s is absolute: %s; a store may be moved", link, target)
			}
		}
	}
	for i, want := range []string{"log/20261123T200405.678Z", "log/20261123T200405.679Z", "queue/20261123T200405.678Z", "log/20261123T200405.680Z"} {
		if dirs[i] != filepath.Join(store, want) {
			t.Errorf("run %d is in %s, want %s", i, dirs[i], want)
		}
	}
	left, err := filepath.Glob(filepath.Join(store, "*", "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNewRunDirRefuses(t *testing.T) {
	for _, name := range []string{"", "latest", ".", "..", "a/b", ".hidden", "a\x00"} {
		if _, err := NewRunDir(t.TempDir(), name, time.Now()); err == nil || !strings.Contains(err.Error(), "run name") {
			t.Errorf("name %q: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRunDir(file, "x", time.Now()); err == nil || !strings.Contains(err.Error(), "make the run directory") {
		t.Errorf("a file for a store: %v", err)
	}
}

// A run directory is found by what it holds, compressed or not.
func TestOpen(t *testing.T) {
	h, ops := smallHistory()
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "holds no history.jsonl") {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	for _, name := range []string{"history.edn", "history.jsonl.zst", "history.jsonl", "x.edn.zst", "x.txt", "x.txt.zst", "x.ndjson"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, encode(t, name, h, ops), 0o644); err != nil {
			t.Fatal(err)
		}
		bare := filepath.Join(t.TempDir(), "without-extension")
		if err := os.WriteFile(bare, encode(t, name, h, ops), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, dir, bare} {
			if p == dir && !strings.HasPrefix(name, "history") {
				continue
			}
			r, err := Open(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := r.Header(); !ok {
				t.Errorf("%s: no header", p)
			}
			got, err := readAll(r)
			if err != nil {
				t.Fatal(err)
			}
			same(t, name, ops, got, nil)
		}
	}
}
