package histories

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// clause is one clause of a contract by its name in files and on the command
// line. The pointer tells its type; words are what it may say, none for any.
type clause struct {
	name  string
	words []string
	ptr   func(*Contract) any
}

var clauses = []clause{
	{"acks", []string{"all", "1", "0"}, func(c *Contract) any { return &c.Acks }},
	{"idempotence", nil, func(c *Contract) any { return &c.Idempotence }},
	{"attempts", []string{"single", "retried"}, func(c *Contract) any { return &c.Attempts }},
	{"isolation", []string{"read_uncommitted", "read_committed"}, func(c *Contract) any { return &c.Isolation }},
	{"min_isr", nil, func(c *Contract) any { return &c.MinISR }},
	{"replication_factor", nil, func(c *Contract) any { return &c.ReplicationFactor }},
	{"unclean_election", nil, func(c *Contract) any { return &c.UncleanElection }},
	{"durability", []string{"replicated", "synced"}, func(c *Contract) any { return &c.Durability }},
	{"retention", nil, func(c *Contract) any { return &c.Retention }},
	{"cleanup", []string{"delete", "compact", "none"}, func(c *Contract) any { return &c.Cleanup }},
	{"timestamps", []string{"create", "append"}, func(c *Contract) any { return &c.Timestamps }},
	{"consumers", []string{"assign", "subscribe"}, func(c *Contract) any { return &c.Consumers }},
	{"transactions", nil, func(c *Contract) any { return &c.Transactions }},
	{"reads", []string{"strict", "kafka", "session"}, func(c *Contract) any { return &c.Reads }},
	{"staleness_ms", nil, func(c *Contract) any { return &c.StalenessMillis }},
	{"progress_ms", nil, func(c *Contract) any { return &c.ProgressMillis }},
}

// ParseContract reads clauses as the command line has them:
// acks=all,idempotence=true,reads=kafka. A clause that is not named stays not
// stated.
func ParseContract(s string) (Contract, error) {
	var c Contract
	if strings.TrimSpace(s) == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Contract{}, fmt.Errorf("contract: %q: want name=value, such as acks=all", part)
		}
		if err := c.set(name, value); err != nil {
			return Contract{}, fmt.Errorf("contract: %w", err)
		}
	}
	return c, c.Validate()
}

// set states the clause of this name; dashes may stand for underscores.
func (c *Contract) set(name, value string) error {
	name = strings.ReplaceAll(name, "-", "_")
	i := slices.IndexFunc(clauses, func(cl clause) bool { return cl.name == name })
	if i < 0 {
		names := make([]string, len(clauses))
		for i, cl := range clauses {
			names[i] = cl.name
		}
		return fmt.Errorf("no clause %q: want %s", name, strings.Join(names, ", "))
	}
	var err error
	switch p := clauses[i].ptr(c).(type) {
	case *string:
		*p = value
		return clauses[i].check(c)
	case **bool:
		var v bool
		if v, err = strconv.ParseBool(value); err == nil {
			*p = &v
			return nil
		}
		return fmt.Errorf("%s=%s: want true or false", name, value)
	case *int:
		*p, err = strconv.Atoi(value)
	case *int64:
		*p, err = strconv.ParseInt(value, 10, 64)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: want a number", name, value)
	}
	return clauses[i].check(c)
}

// check refuses what the clause may not say.
func (cl clause) check(c *Contract) error {
	switch p := cl.ptr(c).(type) {
	case *string:
		if *p != "" && cl.words != nil && !slices.Contains(cl.words, *p) {
			return fmt.Errorf("%s=%s: want %s", cl.name, *p, strings.Join(cl.words, " or "))
		}
	case *int:
		if *p < 0 {
			return fmt.Errorf("%s=%d: want 0 (not stated) or more", cl.name, *p)
		}
	case *int64:
		if *p < 0 {
			return fmt.Errorf("%s=%d: want 0 (not stated) or more", cl.name, *p)
		}
	}
	return nil
}

// text returns what the clause says, false where it is not stated.
func (cl clause) text(c *Contract) (string, bool) {
	switch p := cl.ptr(c).(type) {
	case *string:
		return *p, *p != ""
	case **bool:
		if *p != nil {
			return strconv.FormatBool(**p), true
		}
	case *int:
		return strconv.Itoa(*p), *p != 0
	case *int64:
		return strconv.FormatInt(*p, 10), *p != 0
	}
	return "", false
}

// Validate refuses clauses that say what none may say, or that contradict each
// other.
func (c *Contract) Validate() error {
	for _, cl := range clauses {
		if err := cl.check(c); err != nil {
			return err
		}
	}
	if c.MinISR > 0 && c.ReplicationFactor > 0 && c.MinISR > c.ReplicationFactor {
		return fmt.Errorf("min_isr=%d contradicts replication_factor=%d: there are never so many in-sync replicas", c.MinISR, c.ReplicationFactor)
	}
	return nil
}

// String lists the clauses that are stated, as ParseContract reads them.
func (c Contract) String() string {
	var parts []string
	for _, cl := range clauses {
		if v, ok := cl.text(&c); ok {
			parts = append(parts, cl.name+"="+v)
		}
	}
	return strings.Join(parts, ",")
}
