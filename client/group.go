package client

import (
	"context"
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// DefaultSessionTimeout is the least that brokers allow where they are not
// configured otherwise.
const DefaultSessionTimeout = 6 * time.Second

// groupConn is the group kind: the raw kind, and beside it a member of a
// consumer group as franz-go runs it. The member joins with Subscribe and leaves
// with a Subscribe of nothing; a poll is the member's while there is one, else
// the raw kind's. Commits and questions for committed offsets are single
// attempts at the coordinator, so that ok, fail and info are exact.
type groupConn struct {
	*rawConn
	groups []histories.Group
	coord  coordinator
	member *member // nil: not in a group
}

// openGroup makes a connection that can join a group. It does not connect.
func openGroup(cfg Config) (Conn, error) {
	raw, err := openRaw(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = DefaultSessionTimeout
	}
	return &groupConn{rawConn: raw.(*rawConn), groups: cfg.Groups}, nil
}

// Do implements Conn.
func (c *groupConn) Do(ctx context.Context, op *histories.Op) {
	switch op.F {
	case histories.Subscribe, histories.Commit, histories.Committed:
	case histories.Poll:
		if c.member == nil {
			c.rawConn.Do(ctx, op)
			return
		}
	case histories.Crash:
		c.member.crash()
		c.member = nil
		c.rawConn.Do(ctx, op)
		return
	default:
		c.rawConn.Do(ctx, op)
		c.member.tell(op)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.OpTimeout)
	defer cancel()
	if c.closed {
		complete(op, unsent, "the client is closed")
		return
	}
	op.Error = ""
	switch op.F {
	case histories.Subscribe:
		c.subscribe(ctx, op)
	case histories.Poll:
		c.member.poll(ctx, op)
	case histories.Commit:
		c.commit(ctx, op)
	case histories.Committed:
		c.committed(ctx, op)
	}
	c.member.tell(op)
}

// subscribe joins op.Group, or leaves where op.Keys is empty. Joining goes on in
// the background; the polls tell what came of it.
func (c *groupConn) subscribe(ctx context.Context, op *histories.Op) {
	if len(op.Keys) == 0 {
		c.leave(ctx, op)
		return
	}
	if c.member != nil {
		complete(op, read, "the process is a member of %s", c.member.group.Name)
		return
	}
	g, err := c.group(op.Group)
	if err != nil {
		complete(op, read, "%v", err)
		return
	}
	m, err := newMember(c.cfg, g, op.Keys)
	if err != nil {
		complete(op, read, "join %s: %v", g.Name, err)
		return
	}
	c.member = m
	op.Type = histories.OK
}

// leave leaves the group. Where the coordinator cannot be told in time, the
// member's session runs out later.
func (c *groupConn) leave(ctx context.Context, op *histories.Op) {
	if c.member == nil {
		complete(op, read, "the process is in no group")
		return
	}
	m := c.member
	if err := m.leave(ctx); err != nil {
		op.Error = "the coordinator was not told: " + err.Error()
	}
	op.Type = histories.OK
	m.tell(op)
	c.member = nil
}

func (c *groupConn) group(name string) (histories.Group, error) {
	for _, g := range c.groups {
		if g.Name == name {
			return g, nil
		}
	}
	return histories.Group{}, fmt.Errorf("group %q is not one of this run", name)
}

// Close implements Conn: the member leaves, as a process that ends does.
func (c *groupConn) Close() error {
	c.member.close()
	c.member = nil
	return c.rawConn.Close()
}
