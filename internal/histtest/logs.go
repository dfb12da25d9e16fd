package histtest

import "math"

// chunkBits is the size of a piece of a log: 65,536 records.
const chunkBits = 16

// content is the values of one log, four bytes a record.
type content struct {
	chunks [][]uint32
	n      int64
	hidden map[int64]uint8 // by offset: what not everybody gets
	wide   map[int64]int64 // by offset: values that need more than four bytes
}

func (c *content) append(value int64) {
	if c.n&(1<<chunkBits-1) == 0 {
		c.chunks = append(c.chunks, make([]uint32, 1<<chunkBits))
	}
	if value < 0 || value >= math.MaxUint32 {
		if c.wide == nil {
			c.wide = map[int64]int64{}
		}
		c.wide[c.n] = value
		value = math.MaxUint32
	}
	c.chunks[c.n>>chunkBits][c.n&(1<<chunkBits-1)] = uint32(value)
	c.n++
}

func (c *content) at(offset int64) int64 {
	v := c.chunks[offset>>chunkBits][offset&(1<<chunkBits-1)]
	if v == math.MaxUint32 {
		return c.wide[offset]
	}
	return int64(v)
}
