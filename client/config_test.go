package client

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// TestConfigErrors: what no operation could run with is refused in words.
func TestConfigErrors(t *testing.T) {
	l := newLab(t, 1)
	for want, change := range map[string]func(*Config){
		"broker address":    func(cfg *Config) { cfg.Seeds = nil },
		"dialer":            func(cfg *Config) { cfg.Dial = nil },
		"logs":              func(cfg *Config) { cfg.Logs = nil },
		"operation timeout": func(cfg *Config) { cfg.OpTimeout = 0 },
		"poll wait":         func(cfg *Config) { cfg.PollWait = 2 * time.Second },
		"compression":       func(cfg *Config) { cfg.Compression = "rar" },
		"want host:port":    func(cfg *Config) { cfg.Seeds = []string{"nowhere"} },
		"want 1 to 65535":   func(cfg *Config) { cfg.Seeds = []string{"nowhere:http"} },
	} {
		for _, k := range Kinds {
			cfg := l.config()
			change(&cfg)
			if _, err := k.Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not speak of %s", k.Name, err, want)
			}
		}
	}
}

// TestCompressionAndAcks: each compression and each acks that answers, written
// by either client and read by both.
func TestCompressionAndAcks(t *testing.T) {
	l := newLab(t, 1)
	var want []histories.Rec
	for _, codec := range codecs {
		for _, acks := range []string{"all", "1"} {
			for _, kind := range []string{"raw", "kgo"} {
				n := int64(len(want))
				c := l.open(kind, func(cfg *Config) { cfg.Compression, cfg.Contract.Acks, cfg.RecordSize = codec, acks, 900 })
				op := do(t, c, sendOp(0, n, n+1), histories.OK)
				if op.Mops[0].Offset != n || op.Mops[1].Offset != n+1 {
					t.Errorf("%s %s %s: acknowledged as %v, want from %d", kind, codec, acks, op.Mops, n)
				}
				want = append(want, recs(n, n, n+1, n+1)...)
				c.Close()
			}
		}
	}
	if got := l.readAll(0); !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	c := l.open("kgo")
	do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
	if got := pollUntil(t, c, 0, len(want)); !reflect.DeepEqual(got, want) {
		t.Errorf("kgo read %v, want %v", got, want)
	}
}
