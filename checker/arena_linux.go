package checker

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file without a name, mapped piece by piece.
type mapping struct {
	file   *os.File
	size   int64
	pieces [][]byte
}

// grow maps n more bytes. They are reserved first: writing to a mapped file
// that does not fit on the disk would end the process.
func (m *mapping) grow(dir string, n int64) ([]byte, error) {
	if m.file == nil {
		f, err := os.CreateTemp(dir, "ackproof-facts-*")
		if err != nil {
			return nil, fmt.Errorf("make a file for facts: %w", err)
		}
		_ = os.Remove(f.Name()) // it goes with the process, however that ends
		m.file = f
	}
	if err := unix.Fallocate(int(m.file.Fd()), 0, m.size, n); err != nil {
		return nil, fmt.Errorf("reserve %d bytes for facts: %w", n, err)
	}
	b, err := unix.Mmap(int(m.file.Fd()), m.size, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes for facts: %w", n, err)
	}
	m.size += n
	m.pieces = append(m.pieces, b)
	return b, nil
}

func (m *mapping) close() {
	for _, b := range m.pieces {
		_ = unix.Munmap(b)
	}
	m.pieces = nil
	if m.file != nil {
		_ = m.file.Close()
		m.file = nil
	}
}
