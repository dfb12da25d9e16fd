// Package seed turns one number into independent named streams of random
// numbers, so that a further draw in one place moves nothing in another.
package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

// Seed is the seed of a run. The same seed makes the same plan and the same
// operations.
type Seed uint64

// Stream returns the stream with this name, at its beginning. Streams with
// different names, or of different seeds, are independent.
func (s Seed) Stream(name string) *rand.Rand {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(s))
	h := sha256.New()
	h.Write(b[:])
	h.Write([]byte(name))
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// Worker returns the stream of one worker: name and number are hashed together.
func (s Seed) Worker(name string, worker int) *rand.Rand {
	return s.Stream(name + "/" + strconv.Itoa(worker))
}

// Derive returns a seed of its own for a named part (a round, a proxy).
func (s Seed) Derive(name string) Seed {
	return Seed(s.Stream("derive/" + name).Uint64())
}
