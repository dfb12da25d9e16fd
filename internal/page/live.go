package page

// Live is live.json: what a run looks like while it lasts. The run writes it
// anew every second; whoever serves it to a browser only reads.
type Live struct {
	Format  int     `json:"format"` // DataFormat
	PID     int     `json:"pid"`    // of the process that runs
	State   string  `json:"state"`  // running, or judging
	Phase   string  `json:"phase"`
	Seconds float64 `json:"seconds"`
	OK      int64   `json:"ok"` // operations completed so far
	Fail    int64   `json:"fail"`
	Info    int64   `json:"info"`
	Rate    float64 `json:"rate"`   // operations per second, lately
	Lag     float64 `json:"lag"`    // seconds that the checkers are behind
	Active  string  `json:"active"` // the faults that act now
	Found   []Found `json:"found"`
	Data    Data    `json:"data"`
}

// Found is how often a kind of anomaly has been found so far.
type Found struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// States of a Live.
const (
	Running = "running"
	Judging = "judging"
)
