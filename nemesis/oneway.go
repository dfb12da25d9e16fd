package nemesis

var onewayRequest = Fault{
	Name:       "oneway-request",
	Doc:        "Requests are lost, answers flow: what is asked does not happen, and answers to what was asked before still come.",
	InContract: true,
	Cut:        true,
	Inject:     onLinks(lost(Upstream)),
	Watch: func(w *World, e Event, node string) Watch {
		return &silent{watched: watchLink(w, e, node), cutUp: true}
	},
}

var onewayReply = Fault{
	Name:       "oneway-reply",
	Doc:        "Answers are lost, requests flow: an append happens and its acknowledgement never comes.",
	InContract: true,
	Cut:        true,
	Inject:     onLinks(lost(Downstream)),
	Watch: func(w *World, e Event, node string) Watch {
		return &silent{watched: watchLink(w, e, node), cutDown: true}
	},
}
