// Package mutants breaks the embedded cluster on purpose, so that every kind
// of anomaly has a broker that commits it.
//
// A Broker stands between the cluster's listeners and their clients. It
// decodes requests and responses and, now and then, lets its Mutant rewrite one;
// what is not rewritten passes byte for byte. Each sin is written into a ledger
// that no checker reads: what a checker convicts must be what the ledger says.
//
// A sin is committed only where it can be observed: while records are being
// produced to the partition, and never in the first seconds of a run, so that
// there is honest traffic to contradict it. It concerns at most one request in
// a hundred.
package mutants

import (
	"fmt"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/names"
)

// Mutant is a row of the catalogue: a way to be broken.
type Mutant struct {
	Name, Doc string
	// Headline is the kind of anomaly that it must be convicted of, Followers
	// are the kinds that may follow from the same sins.
	Headline  string
	Followers []string
	// Offset says what Sin.Offset is for this mutant.
	Offset string
	// Workload is where it sins; empty: in the first one.
	Workload string
	// Staleness is the contract that it breaks, where it is one on how old
	// Kafka's reads may be; 0: none.
	Staleness time.Duration
	// Compression is the codec without which it does not sin; empty: none.
	Compression string
	// Doubt says why a sin that nothing cut off may still not be convicted; empty:
	// each is.
	Doubt string
	// Quiet says that a fault would explain its sins: it is run without any.
	Quiet bool
	// Fault is the one without which it does not sin; empty: it sins by itself.
	Fault string

	sinner func(*Broker) sinner
}

// Mutants is the catalogue.
var Mutants = []Mutant{
	ackAndDrop,
	dropTail,
	duplicate,
	swapBatches,
	wrongOffset,
	ackNoOffset,
	twoValues,
	endBack,
	staleFetch,
	skipRecord,
	foreignRecord,
	misroute,
	corrupt,
	appendThenRefuse,
	tearBatch,
	deleteEarly,
	epochBack,
	replayOrder,
	rewindCommit,
	forgetCommit,
	refuseAndCommit,
	commitAhead,
	resetToEnd,
	doubleOwner,
	ackBeyond,
	skipFirst,
	reverseBatch,
	lag,
	lateSlot,
	ownLateSlot,
	stayBroken,
	startBack,
	noSequences,
	refuseRetry,
	resendAfterMove,
	resendAfterError,
	loseMiddle,
	zeroStart,
	forgetAborts,
	forgetAbortsCompressed,
	forgetAbortsAtFirst,
	forgetAbortsElsewhere,
	loseAborts,
	readPastLSO,
	lsoIsEnd,
	readOwn,
	readEarly,
	tearTransaction,
	lateEndTxn,
	acceptZombie,
	losePositions,
	fracture,
	lsoBack,
	hangLSO,
	leaderless,
	stuckFetch,
	undelete,
	cleanLatest,
	dropTailWhenDown,
	ackZero,
}

// ByName returns the mutant with this name, or an error that lists them.
func ByName(name string) (Mutant, error) {
	known := make([]string, len(Mutants))
	for i, m := range Mutants {
		if m.Name == name {
			return m, nil
		}
		known[i] = m.Name
	}
	return Mutant{}, fmt.Errorf("mutant %q%s: want one of %s", name, names.Hint(name, known), strings.Join(known, ", "))
}

// sinner is what a mutant does to the exchanges of its broker. Its methods are
// called with the broker's lock held.
type sinner interface {
	// request may change what the cluster will get (exchange.send).
	request(x *exchange)
	// response may change what the client will get (exchange.answer).
	response(x *exchange)
}

// honest is embedded by sinners that leave one side alone.
type honest struct{}

func (honest) request(*exchange)  {}
func (honest) response(*exchange) {}
