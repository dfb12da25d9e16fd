//go:build linux

package netns

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
)

// inside makes the test's own binary tell what its namespace is like.
const inside = "ACKPROOF_TEST_INSIDE"

func TestMain(m *testing.M) {
	if addr := os.Getenv(inside); addr != "" {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		defer ln.Close()
		_, before := net.Dial("tcp", addr)
		err = Up()
		if err == nil {
			_, err = net.Dial("tcp", addr)
		}
		all, _ := net.Interfaces()
		fmt.Println(before != nil, err == nil, len(all))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestOwnNamespace starts this binary in a namespace of its own, where an
// address that is taken here is free, and nothing but the loopback interface is.
func TestOwnNamespace(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inside+"="+ln.Addr().String())
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := Start(cmd); errors.Is(err, ErrRefused) && os.Getenv("ACKPROOF_REQUIRE_NETNS") != "1" {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_NETNS=1 makes this a failure", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var downBefore, upAfter bool
	var n int
	if _, err := fmt.Sscan(out.String(), &downBefore, &upAfter, &n); err != nil || !downBefore || !upAfter || n < 1 {
		t.Errorf("inside: %q (%v)", out.String(), err)
	}
}
