package report

import (
	"strings"
	"testing"
	"time"
)

// TestPutTrackRecord: the table is replaced and what stands around it stays.
func TestPutTrackRecord(t *testing.T) {
	page := []byte("before\n" + trackBegin + "\nold\n" + trackEnd + "\nafter\n")
	rows := []TrackRow{{What: "power | loss", How: []string{"truncated-ack 3", "<allowed>"}, Took: 41600 * time.Millisecond, Command: "ackproof x"}}
	for range 2 { // and again
		var err error
		if page, err = PutTrackRecord(page, rows); err != nil {
			t.Fatal(err)
		}
	}
	want := "before\n" + trackBegin + "\n\n" +
		"| what | how it was found | seconds to conviction | one command |\n| --- | --- | --- | --- |\n" +
		"| power \\| loss | truncated-ack 3; &lt;allowed&gt; | 42 | `ackproof x` |\n\n" + trackEnd + "\nafter\n"
	if string(page) != want {
		t.Errorf("got\n%s\nwant\n%s", page, want)
	}
	if _, err := PutTrackRecord([]byte("no marks"), rows); err == nil || !strings.Contains(err.Error(), "no lines") {
		t.Errorf("a page without marks: %v", err)
	}
}
