package histories

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of what a reader remembers.
const (
	maxInterned    = 1024
	maxInternedLen = 512
	maxNamedKeys   = 1 << 16
	firstNamedKey  = 1 << 40
)

// interner makes strings of bytes, the same string for the same bytes as long
// as they are few, so that a million equal errors cost one allocation.
type interner struct{ known map[string]string }

func (n *interner) string(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	if len(b) > maxInternedLen {
		return s
	}
	if n.known == nil || len(n.known) >= maxInterned {
		n.known = make(map[string]string)
	}
	n.known[string(b)] = s
	return s
}

// keyNames numbers the logs of foreign histories that have names instead of
// numbers, in the order of their appearance. A name that spells a number is
// that number.
type keyNames struct{ numbers map[string]int64 }

func (n *keyNames) number(name []byte) (int64, error) {
	if k, ok := n.numbers[string(name)]; ok {
		return k, nil
	}
	if k, err := strconv.ParseInt(string(name), 10, 64); err == nil {
		return k, nil
	}
	if len(n.numbers) >= maxNamedKeys {
		return 0, fmt.Errorf("more than %d logs have names: give them numbers", maxNamedKeys)
	}
	if n.numbers == nil {
		n.numbers = make(map[string]int64)
	}
	k := firstNamedKey + int64(len(n.numbers))
	n.numbers[string(name)] = k
	return k, nil
}
