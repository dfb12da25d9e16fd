package checker

import "slices"

// stairs remember by which entry an offset was first raised how far.
type stairs []stair

type stair struct{ op, to int64 }

// maxStairs bounds the steps that are kept one by one; the last one rises then.
const maxStairs = 1 << 16

// raise notes that an entry says at least this offset.
func (s *stairs) raise(op, to int64) {
	n := len(*s)
	switch {
	case n > 0 && (*s)[n-1].to >= to:
	case n >= maxStairs:
		(*s)[n-1].to = to
	default:
		*s = append(*s, stair{op, to})
	}
}

// before returns the highest offset that an entry before this one said, and
// the entry; -1 where there is none.
func (s stairs) before(op int64) stair {
	i, _ := slices.BinarySearchFunc(s, op, func(t stair, op int64) int {
		if t.op < op {
			return -1
		}
		return 1
	})
	if i == 0 {
		return stair{-1, -1}
	}
	return s[i-1]
}

// above returns the first step beyond an offset; -1 where there is none.
func (s stairs) above(offset int64) stair {
	i, _ := slices.BinarySearchFunc(s, offset, func(t stair, offset int64) int {
		if t.to <= offset {
			return -1
		}
		return 1
	})
	if i == len(s) {
		return stair{-1, -1}
	}
	return s[i]
}
