package checker

// Model is a way to judge reads.
type Model struct{ Name, Doc string }

// Models is the catalogue.
var Models = []Model{
	{Strict, "Every operation takes effect at an instant between its call and its return, fetches included. " +
		"The embedded target is held to it."},
	{Kafka, "Produces and barrier reads (list offsets, KIP-207) take effect between call and return; a fetch may return an older state of its log, " +
		"but never moves back within its session and never comes from the future. The greatest staleness is reported as a figure; staleness_ms bounds it. " +
		"Real brokers are held to it."},
	{Session, "Each process sees one order of each log; nothing is said about real time between processes. " +
		"For histories whose clocks cannot be compared, and where nothing is stated."},
}
