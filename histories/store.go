package histories

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What a run directory holds.
const (
	SpecFile         = "spec.json"     // what was asked for
	PlanFile         = "plan.json"     // the faults, written before the run
	HistoryFile      = "history.jsonl" // what happened; HistoryFile.zst where it is compressed
	EDNFile          = "history.edn"   // the same for Jepsen's tools
	VerdictFile      = "verdict.json"  // what it proves
	SummaryFile      = "summary.txt"   // the same for people
	WindowsDir       = "windows"       // porcupine's pages of violating windows
	ToxiproxyLogFile = "toxiproxy.log" // what the proxy server said
	MetricsFile      = "metrics.jsonl" // every metric of every node, where they serve metrics
	LogFile          = "log.txt"       // what the run and its brokers said
	ReportFile       = "report.html"   // what it looked like, for a browser
	LiveFile         = "live.json"     // what it looks like now, while the run lasts
	// LatestLink is the link to the newest run, in the store and beside the
	// runs of each name.
	LatestLink = "latest"
)

// stampLayout is a run directory's name: it sorts by time and no file system
// objects to it. The dot before the milliseconds is the layout's own demand.
const stampLayout = "20060102T150405.000Z"

// NewRunDir makes the directory store/name/timestamp for a run that starts at
// the given time, and points store/latest and store/name/latest to it. Two runs
// never share one: the later takes the next free millisecond.
func NewRunDir(store, name string, at time.Time) (string, error) {
	if name == "" || name == LatestLink || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00") {
		return "", fmt.Errorf("run name %q: want a name for a directory, other than %q, without slashes and with no dot in front", name, LatestLink)
	}
	parent := filepath.Join(store, name)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make the run directory: %w", err)
	}
	at = at.UTC()
	var dir string
	for {
		dir = filepath.Join(parent, at.Format(stampLayout))
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make the run directory: %w", err)
		}
		at = at.Add(time.Millisecond)
	}
	stamp := filepath.Base(dir)
	if err := pointTo(filepath.Join(parent, LatestLink), stamp); err != nil {
		return "", err
	}
	return dir, pointTo(filepath.Join(store, LatestLink), filepath.Join(name, stamp))
}

// pointTo makes link a symbolic link to target, in one step: whoever looks
// meanwhile sees the old or the new target.
func pointTo(link, target string) error {
	tmp := fmt.Sprintf("%s.%d.tmp", link, time.Now().UnixNano())
	if err := os.Symlink(target, tmp); err != nil {
		return fmt.Errorf("link the latest run: %w", err)
	}
	if err := os.Rename(tmp, link); err != nil {
		return errors.Join(fmt.Errorf("link the latest run: %w", err), os.Remove(tmp))
	}
	return nil
}
