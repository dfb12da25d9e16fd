package checker

import (
	"fmt"
	"slices"
	"time"
)

// clock tells the time of an entry by its index, from a sample of every
// sampleEvery entries and of those that come sampleAfter later: near enough for
// a sentence and for retention, and small. Of a history that has too many, every
// second one goes, as often as need be.
type clock struct {
	samples []instant
	every   int64
	after   time.Duration
}

type instant struct {
	index int64
	time  time.Duration
}

const (
	sampleEvery = 64
	sampleAfter = 100 * time.Millisecond
	maxSamples  = 1 << 19
)

func (c *clock) observe(index int64, t time.Duration) {
	n := len(c.samples)
	if n > 0 {
		last := c.samples[n-1]
		if index <= last.index || index < last.index+max(c.every, sampleEvery) && t < last.time+max(c.after, sampleAfter) {
			return
		}
	}
	if n >= maxSamples {
		for i := range n / 2 {
			c.samples[i] = c.samples[2*i]
		}
		c.samples, c.every, c.after = c.samples[:n/2], 2*max(c.every, sampleEvery), 2*max(c.after, sampleAfter)
	}
	c.samples = append(c.samples, instant{index, t})
}

// at returns the time of the last sample at or before the entry.
func (c *clock) at(index int64) time.Duration {
	i, found := slices.BinarySearchFunc(c.samples, index, func(s instant, i int64) int {
		switch {
		case s.index < i:
			return -1
		case s.index > i:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return c.samples[i].time
}

// seconds prints a time as people read it.
func seconds(t time.Duration) string { return fmt.Sprintf("%.2f s", t.Seconds()) }
