package linear

import (
	"fmt"
	"strings"
)

// show prints operations for a failed test.
func show(ops []Op) string {
	var b strings.Builder
	for _, o := range ops {
		fmt.Fprintf(&b, "  %2d p%-3d kind %d [%d, %s] lo %d hi %s unknown %v\n", o.Index, o.Process, o.Kind, o.Call, num(o.Ret), o.Lo, num(o.Hi), o.Unknown)
	}
	return b.String()
}

func num(n int64) string {
	if n >= Inf {
		return "inf"
	}
	return fmt.Sprint(n)
}
