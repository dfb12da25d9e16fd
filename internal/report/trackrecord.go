package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// TrackRow is a run that found what a broker had really done.
type TrackRow struct {
	What    string        // what was done to the broker, and what it did
	How     []string      // what the verdict says
	Took    time.Duration // from the first operation to the verdict
	Command string        // the one that finds it again
}

// The marks between which the table stands in a page.
const (
	trackBegin = "<!-- track record: written by make track-record -->"
	trackEnd   = "<!-- end of the track record -->"
)

// PutTrackRecord replaces the table of a page.
func PutTrackRecord(page []byte, rows []TrackRow) ([]byte, error) {
	head, rest, ok := bytes.Cut(page, []byte(trackBegin))
	_, tail, closed := bytes.Cut(rest, []byte(trackEnd))
	if !ok || !closed {
		return nil, fmt.Errorf("put the track record: the page has no lines %q and %q", trackBegin, trackEnd)
	}
	var b strings.Builder
	writeRow(&b, []string{"what", "how it was found", "seconds to conviction", "one command"})
	writeRow(&b, []string{"---", "---", "---", "---"})
	for _, r := range rows {
		writeRow(&b, []string{r.What, cellText(strings.Join(r.How, "; ")), fmt.Sprintf("%.0f", r.Took.Seconds()), "`" + r.Command + "`"})
	}
	return bytes.Join([][]byte{head, []byte(trackBegin + "\n\n" + b.String() + "\n" + trackEnd), tail}, nil), nil
}
