package ackproof_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ackproof/ackproof"
	"github.com/ackproof/ackproof/checker"
)

// A short run without faults on the embedded target, judged, and judged again
// from what it left on disk.
func Example() {
	store, err := os.MkdirTemp("", "ackproof")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(store)

	spec := ackproof.Default()
	spec.Seed = 1
	spec.Nemesis = []string{"none"}
	spec.Topics, spec.Partitions = 1, 2
	spec.TimeLimit = ackproof.Duration(2 * time.Second)
	spec.Calm = ackproof.Duration(time.Second)
	res, err := ackproof.Run(context.Background(), spec, ackproof.Options{Store: store})
	if err != nil {
		panic(err)
	}
	again, err := ackproof.Check(res.Dir, checker.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(res.Verdict.Valid, again.Valid, again.Judged == res.Verdict.Judged)
	// Output: valid valid true
}
