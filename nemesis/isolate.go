package nemesis

import "time"

// rejoin is how long a node may take to be in sync again once it is reached.
const rejoin = 30 * time.Second

// cutFault makes the row of a cut between nodes.
func cutFault(name, doc string, hits Hits, which cut, how manner) Fault {
	shaped := losing
	switch how {
	case holds:
		shaped = holding
	case refuses:
		shaped = refusing
	}
	return Fault{
		Name: name, Doc: doc, Family: OnCuts, Needs: []Need{NeedPeers}, Hits: hits, Hold: clusterHold, Clean: rejoin,
		InContract: true, Inject: onPeers(which, shaped), Watch: watchCut(which, how),
	}
}

var isolate = cutFault("isolate",
	"The node is cut from every other node: bytes between them are lost both ways, connecting works and nothing answers. Clients still reach it.",
	HitsMinority, apart, loses)

var isolateStall = cutFault("isolate-stall",
	"The node is cut from every other node, and what they send each other is held and arrives late, in order, on heal. Clients still reach it.",
	HitsMinority, apart, holds)

var isolateDown = cutFault("isolate-down",
	"The node is cut from every other node: connections between them end and new ones are refused. Clients still reach it.",
	HitsMinority, apart, refuses)

var isolateIn = cutFault("isolate-in",
	"What other nodes send to the node is lost; what it sends arrives. It hears nothing and is heard.",
	HitsMinority, inward, loses)

var isolateOut = cutFault("isolate-out",
	"What the node sends to other nodes is lost; what they send arrives. It hears everything and nobody hears it.",
	HitsMinority, outward, loses)
