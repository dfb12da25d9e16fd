//go:build unix

package doctor

import (
	"strings"
	"syscall"
	"testing"
)

func TestAFewOpenFilesAreTooFew(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	low := was
	low.Cur = 512
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) }()
	r := Examine(t.Context(), Config{})
	if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Found, "512") || !strings.Contains(r.Findings[0].Mend, "ulimit") {
		t.Errorf("findings: %+v", r.Findings)
	}
}
