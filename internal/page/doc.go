// Package page makes report.html: what a run looked like, in one file that
// loads nothing from elsewhere.
//
// Gather is a pass. It is fed by the same read of the history as the checkers,
// and by the live passes while the run lasts, and keeps what is drawn: counts
// and latencies in buckets of time, how far every log was acknowledged and
// read, the faults, the metrics. Its memory does not grow with the history.
// Write sets it beside the verdict. Only around the evidence of an anomaly are
// single operations drawn; they are looked up in the saved history.
//
// Names, errors and values come from brokers and files and are not trusted:
// html/template escapes what is text, JSON is encoded without a single "<", and
// the page's content security policy allows its own two blocks of script and
// style by their hashes and nothing else.
package page
