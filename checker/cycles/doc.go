// Package cycles looks for cycles among operations that depend on each other:
// Adya's G0 and G1c and their relatives, for histories of logs.
//
// A [Graph] has a vertex for each completed operation, numbered in the order of
// the completions, and edges of five kinds, each from the operation that comes
// first to the one that comes after it:
//
//	ww        both wrote to a log, and nothing that is known stands between their records
//	wr        the second one read a record of the first one
//	rw        the first one read a log up to where the second one's record stands, and not that record
//	process   both are of one process, one after the other
//	realtime  the first one completed as ok before the second one was invoked
//
// The edges are implicit: a log is a slice of writers in the order of their
// offsets, a read is a range of it, and real time is a number for each vertex
// (how many ok completions came before its invocation). A graph takes about
// 12 bytes for each record, 16 for each vertex and 16 for each run of records
// read, however many edges that makes.
//
// [Graph.Components] finds the strongly connected components by any set of
// kinds (Tarjan). For the rules of jepsen.tests.kafka, take the components by
// [WW]|[WR]|[Realtime] and ask each of them with [Graph.Cyclic] whether it
// still has a cycle by [WW] (A), by [WW]|[WR] (B) and by [WW]|[Realtime] (S);
// [Graph.Judge] does just that. [Graph.Shortest] is the evidence.
package cycles
