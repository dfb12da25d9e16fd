package proc

import (
	"bufio"
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
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) { // no IPv6
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for listeners: %w", err)
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			if len(f) < 10 || f[3] != listening {
				continue
			}
			ip, p, ok := address(f[1])
			if !ok || p != port {
				continue
			}
			inodes["socket:["+f[9]+"]"] = len(out)
			out = append(out, Listener{Addr: net.JoinHostPort(ip, strconv.Itoa(p))})
		}
	}
	if len(out) > 0 {
		owners(inodes, out)
	}
	return out, nil
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
