package checker

import (
	"fmt"
	"strings"
	"testing"
)

// TestNobodyMakesProgress: where sends to every log come to nothing, a busy
// machine explains it as well as a broken broker, and the verdict is unknown.
func TestNobodyMakesProgress(t *testing.T) {
	text := "p0 s 1@0; p1 p 1@0; p0 s k1 2@0; p1 p k1 2@0"
	for i := range 8 {
		text += fmt.Sprintf("; t=%d p0 s %d !fail; p0 s k1 %d !fail", (1000+500*i)*1e6, 100+i, 200+i)
	}
	h := parse(t, text)
	h.Header = (&kindCase{history: text}).header()
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if len(v.Anomalies) > 0 || v.Valid != Unknown {
		t.Fatalf("%v, %s", v.Valid, headlinesOf(v))
	}
	for _, u := range v.Unknown {
		if u.Kind == TooLittleWork && strings.Contains(u.Why, "8 of 8 sends to other logs") {
			return
		}
	}
	t.Errorf("no reason says it: %+v", v.Unknown)
}
