package checker

// Stats is the content of Verdict.Stats.
type Stats struct {
	Staleness []Staleness `json:"staleness,omitempty"` // the greatest of each log
}

// Staleness is the age of the oldest state that a read of a log returned.
type Staleness struct {
	Log    int64   `json:"log"`
	Millis float64 `json:"ms"`
	Op     int64   `json:"op"` // the read's completion
}
