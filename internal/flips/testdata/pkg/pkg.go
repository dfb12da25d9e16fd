// Package pkg has conditions of every shape.
package pkg

import "slices"

func shapes(a, b int, ok bool, all []int) int {
	if a < b && !(ok || b == 3) {
		return 1
	}
	for i := 0; i < a; i++ {
		switch {
		case i == b, ok:
			return 2
		default:
		}
	}
	switch a {
	case 4:
		return 3
	}
	if slices.ContainsFunc(all, func(n int) bool { return n > a || n < b }) {
		return 4
	}
	return 5
}
