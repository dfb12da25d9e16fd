package checker

import (
	"fmt"
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// AdminJudged counts the administration that a verdict was made beside. What is
// gone by it was judged too: by the offset that was asked for, by the age of the
// record, by the later records of its key.
type AdminJudged struct {
	DeleteRecords   int64 `json:"delete_records"`   // requests that were acknowledged
	RecordsDeleted  int64 `json:"records_deleted"`  // acknowledged records that went with them
	RetainedOut     int64 `json:"retained_out"`     // that retention let go
	CompactedKeys   int64 `json:"compacted_keys"`   // keys of which an acknowledged record is gone
	Compacted       int64 `json:"compacted"`        // those records
	TopicsDeleted   int64 `json:"topics_deleted"`   //
	TopicsRecreated int64 `json:"topics_recreated"` // under a name that they had before
	PartitionsAdded int64 `json:"partitions_added"` //
}

// admin counts the administration, and asks a run that is about it for some of
// each kind.
type admin struct {
	env    *Env
	f      *Facts
	r      *Report
	any    bool
	judged AdminJudged
}

func newAdmin(e *Env, r *Report) Pass { return &admin{env: e, f: e.Facts, r: r} }

// Observe takes the next entry.
func (c *admin) Observe(op *histories.Op) {
	if op.Process < 0 || op.Type != histories.OK {
		return
	}
	switch op.F {
	case histories.DeleteRecords:
		c.judged.DeleteRecords++
	case histories.DeleteTopic:
		c.judged.TopicsDeleted++
	case histories.CreateTopic:
		if len(op.Keys) > 0 && c.env.logs[op.Keys[0]].Life > 1 {
			c.judged.TopicsRecreated++
		}
	case histories.CreatePartitions:
		c.judged.PartitionsAdded += int64(len(op.Keys))
	default:
		return
	}
	c.any = true
}

// Finish counts the records that are gone.
func (c *admin) Finish() {
	for _, l := range c.f.logs {
		c.any = c.any || l.compacted || l.start > 0
	}
	if c.any {
		c.count()
	}
	if c.env.HasHeader && c.env.Header.Workload == "admin" {
		c.demand()
	}
}

func (c *admin) count() {
	type logKey struct {
		log int
		key int64
	}
	keys := map[logKey]bool{}
	c.f.recs.each(len(c.f.logs), func(log int, rec record) {
		l := c.f.logs[log]
		if !rec.has(recAcked) || !rec.has(recPlaced) || rec.has(recFinal) || l.topic >= 0 {
			return
		}
		offset := rec.offset()
		switch {
		case l.compacted:
			if key, _, _, ok := l.keyed.of(rec.value); ok && l.compactedFinally(rec.value, offset) {
				c.judged.Compacted++
				keys[logKey{log, key}] = true
			}
		case offset >= l.start:
		case l.asked.before(toTheEnd).to > offset:
			c.judged.RecordsDeleted++
		default:
			c.judged.RetainedOut++
		}
	})
	c.judged.CompactedKeys = int64(len(keys))
}

// demand says what a run that is about administration did not have.
func (c *admin) demand() {
	var missing []string
	want := func(n int64, what string) {
		if n == 0 {
			missing = append(missing, what)
		}
	}
	j := &c.judged
	want(j.RecordsDeleted, "deleted records")
	var lives, added, retains, compacts bool
	for _, l := range c.env.Header.Logs {
		lives = lives || l.Life > 1
		added = added || l.Added && l.Life == 0
		_, err := time.ParseDuration(c.env.retention(l.Key))
		retains = retains || err == nil
		compacts = compacts || c.env.compacted(l.Key)
	}
	if lives {
		want(j.TopicsRecreated, "topics that were deleted and created again")
	}
	if added {
		want(j.PartitionsAdded, "added partitions")
	}
	if retains {
		want(j.RetainedOut, "records that retention let go")
	}
	if compacts {
		want(j.Compacted, "records that were compacted away")
	}
	if len(missing) > 0 {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("nothing can be said of %s: there were none", strings.Join(missing, ", ")))
	}
}
