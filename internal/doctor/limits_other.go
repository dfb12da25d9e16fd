//go:build !unix

package doctor

// openFiles is the soft limit of open files.
func openFiles() (uint64, bool) { return 0, false }
