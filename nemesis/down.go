package nemesis

var down = Fault{
	Name:       "down",
	Doc:        "The way to the node is gone: connections are closed and new ones refused.",
	InContract: true,
	Cut:        true,
	Inject:     onLinks(func(Event) shape { return shape{closed: true} }),
	Watch:      func(w *World, e Event, node string) Watch { return &gone{watchLink(w, e, node)} },
}
