//go:build linux

package proc

import (
	"net"
	"os"
	"slices"
	"testing"
)

func TestOfCountsWhatIsHeld(t *testing.T) {
	before, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.RSS < 1<<20 || before.Anon < 1<<18 || before.Anon > before.RSS || before.Threads < 1 || before.FDs < 3 {
		t.Errorf("a Go program holds more than %+v", before)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	after, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.Sockets != before.Sockets+1 || after.FDs <= before.FDs {
		t.Errorf("one more socket: %+v, before %+v", after, before)
	}
	if _, err := Of(1 << 30); err == nil {
		t.Error("a process that is not there holds something")
	}
}

func TestListenersNameTheirProcess(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Logf("SKIPPED %s: %v", addr, err)
			continue
		}
		port := ln.Addr().(*net.TCPAddr).Port
		got, err := Listeners(port)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].PID != os.Getpid() || got[0].Addr != ln.Addr().String() || got[0].Name == "" {
			t.Errorf("listeners on %s: %+v", ln.Addr(), got)
		}
		if !got[0].Takes(addr[:len(addr)-2]) && !got[0].Takes("::1") || got[0].Takes("127.77.0.1") {
			t.Errorf("%+v takes the wrong addresses", got[0])
		}
		ln.Close()
		if got, err := Listeners(port); err != nil || len(got) != 0 {
			t.Errorf("after the close: %+v, %v", got, err)
		}
	}
}

func TestSocketsNameBothEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	found := func(pid int) bool {
		all, err := Sockets(pid)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(all, Socket{c.LocalAddr().String(), c.RemoteAddr().String()})
	}
	if !found(os.Getpid()) {
		t.Error("the own connection is not listed")
	}
	if found(os.Getppid()) {
		t.Error("the parent is said to have it")
	}
}
