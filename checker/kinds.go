package checker

// Kind names an anomaly.
type Kind string
