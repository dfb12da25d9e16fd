package checker

// Model is a way to judge reads.
type Model struct{ Name, Doc string }

// Models is the catalogue.
var Models = []Model{
	{Strict, "Every operation takes effect at an instant between its call and its return, fetches included. " +
		"The embedded target is held to it."},
	{Kafka, "Produces take effect between call and return. A listed end proves how long the log is; an older one than is proven already may come from a leader that does not know yet that it was deposed, " +
		"and is reported as allowed (KIP-207 makes the new leader wait, not the old one stop). A fetch may return an older state of its log, " +
		"but never moves back within its session and never comes from the future. The greatest staleness is reported as a figure; staleness_ms bounds it. " +
		"Real brokers are held to it."},
	{Session, "Each process sees one order of each log; nothing is said about real time between processes. " +
		"For histories whose clocks cannot be compared, and where nothing is stated."},
}
