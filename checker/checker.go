package checker

import "github.com/ackproof/ackproof/histories"

// Checker proves one property, or a few that rest on the same evidence.
type Checker struct {
	Name, Doc string
	Kinds     []Kind
	// Alone asks for a goroutine of its own. The others share one, in the
	// order of the catalogue, and may read Env.Facts as they go: facts stand
	// first there.
	Alone bool
	New   func(*Env, *Report) Pass
}

// Pass reads a history once, from its first entry to its last. It is used by
// one goroutine at a time.
type Pass interface {
	// Observe takes the next entry; it is lent until Observe returns and must
	// not be changed.
	Observe(op *histories.Op)
	// Finish is called once, after the last entry was observed by every pass,
	// in the order of the catalogue.
	Finish()
}
