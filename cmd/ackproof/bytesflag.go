package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag for a number of bytes, as people write it: 20GB, 512MiB.
type byteSize int64

// byteUnits are the units, the longer names first.
var byteUnits = []struct {
	name string
	size int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// String implements pflag.Value.
func (b *byteSize) String() string {
	for i := len(byteUnits) - 2; i >= 0; i-- {
		if u := byteUnits[i]; *b != 0 && int64(*b)%u.size == 0 {
			return strconv.FormatInt(int64(*b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Set implements pflag.Value.
func (b *byteSize) Set(s string) error {
	number, size := s, int64(1)
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, size = n, u.size
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n >= 0) || n*float64(size) >= math.MaxInt64 {
		return fmt.Errorf("%q: want a number of bytes with a unit, such as 500MB, 20GB or 2GiB", s)
	}
	*b = byteSize(n * float64(size))
	return nil
}

// Type implements pflag.Value.
func (*byteSize) Type() string { return "size" }
