package proc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Of tells what a process holds.
func Of(pid int) (Usage, error) {
	var u Usage
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return u, fmt.Errorf("look at process %d: %w", pid, err)
	}
	for line := range bytes.Lines(status) {
		name, rest, _ := strings.Cut(string(line), ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		switch n, _ := strconv.ParseInt(fields[0], 10, 64); name {
		case "VmRSS":
			u.RSS = n << 10 // the kernel counts in KiB
		case "RssAnon":
			u.Anon = n << 10
		case "Threads":
			u.Threads = int(n)
		}
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return u, fmt.Errorf("look at process %d: %w", pid, err)
	}
	u.FDs = len(fds)
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			u.Sockets++
		}
	}
	return u, nil
}

// listening is the state of a listening socket in /proc/net/tcp.
const listening = "0A"

// Listeners lists who listens on a TCP port of this machine, on any address.
func Listeners(port int) ([]Listener, error) {
	var out []Listener
	inodes := map[string]int{} // socket inode → index in out
	err := sockets(func(local, _, state, inode string) {
		if ip, p, ok := address(local); ok && p == port && state == listening {
			inodes["socket:["+inode+"]"] = len(out)
			out = append(out, Listener{Addr: net.JoinHostPort(ip, strconv.Itoa(p))})
		}
	})
	if err == nil && len(out) > 0 {
		owners(inodes, out)
	}
	return out, err
}

// address reads an address of /proc/net/tcp: the words of the IP in host order.
func address(s string) (ip string, port int, ok bool) {
	host, p, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, perr := strconv.ParseUint(p, 16, 16)
	if err != nil || perr != nil || len(b)%4 != 0 {
		return "", 0, false
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	return net.IP(b).String(), int(n), true
}

// owners finds the processes that hold the sockets.
func owners(inodes map[string]int, out []Listener) {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err != nil {
			continue
		}
		i, ok := inodes[to]
		if !ok || out[i].PID != 0 {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		out[i].PID, _ = strconv.Atoi(filepath.Base(dir))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		out[i].Name = strings.TrimSpace(string(name))
	}
}

// established is the state of an open connection in /proc/net/tcp.
const established = "01"

// Connections counts the open connections to a TCP port of this machine, as
// their listening side has them.
func Connections(port int) (n int, err error) {
	err = sockets(func(local, _, state, _ string) {
		if _, p, ok := address(local); ok && p == port && state == established {
			n++
		}
	})
	return n, err
}

// Sockets lists the TCP sockets of a process that have another end.
func Sockets(pid int) ([]Socket, error) {
	own := map[string]bool{}
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look at process %d: %w", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			own[to] = true
		}
	}
	var out []Socket
	err = sockets(func(local, remote, state, inode string) {
		if state == listening || !own["socket:["+inode+"]"] {
			return
		}
		lip, lport, lok := address(local)
		rip, rport, rok := address(remote)
		if lok && rok {
			out = append(out, Socket{net.JoinHostPort(lip, strconv.Itoa(lport)), net.JoinHostPort(rip, strconv.Itoa(rport))})
		}
	})
	return out, err
}

// sockets calls f with the addresses, the state and the inode of every TCP
// socket.
func sockets(f func(local, remote, state, inode string)) error {
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) { // no IPv6
			continue
		}
		if err != nil {
			return fmt.Errorf("look at the sockets: %w", err)
		}
		for line := range bytes.Lines(b) {
			if w := strings.Fields(string(line)); len(w) >= 10 {
				f(w[1], w[2], w[3], w[9])
			}
		}
	}
	return nil
}
