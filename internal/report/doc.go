// Package report shows verdicts to people.
package report
