package target

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// startKafka starts a real Apache Kafka of the version that cfg.Arg names.
func startKafka(ctx context.Context, cfg Config) (Cluster, error) {
	d, err := InstallKafka(ctx, cfg.Arg, cfg.Progress)
	if err != nil {
		return nil, fmt.Errorf("target kafka: %w", err)
	}
	shared := "-XX:SharedArchiveFile=" + d.Archive
	return startDist(ctx, d, cfg, map[string]string{"cds": shared, "format_cds": shared})
}

// checkKafka wants a version.
func checkKafka(arg string) error { return kafkadist.CheckVersion(arg) }

// startDist starts a distribution. vars are those of the cluster file besides
// Java and its class path.
func startDist(ctx context.Context, d kafkadist.Dist, cfg Config, vars map[string]string) (Cluster, error) {
	file, err := clusterfile.Kafka()
	if err != nil {
		return nil, err
	}
	vars["java"], vars["classpath"] = d.Java, d.ClassPath()
	return startManaged(ctx, file, cfg, vars, "v"+d.Version)
}

// InstallKafka makes everything ready that a Kafka of this version needs (empty:
// the default): its jars, and the class-data archive, for which a node runs once.
// What is there already is not made again. progress may be nil.
func InstallKafka(ctx context.Context, version string, progress func(string)) (kafkadist.Dist, error) {
	d, err := kafkadist.Find(ctx, version, progress)
	if err != nil || d.HasArchive() {
		return d, err
	}
	if err := kafkadist.CheckJava(ctx, d.Java); err != nil {
		return d, err
	}
	return d, kafkadist.Exclusive(ctx, d.Archive, progress, func() error {
		if d.HasArchive() {
			return nil
		}
		if progress != nil {
			progress("making the class-data archive of Kafka " + d.Version + ", once, so that nodes start in half the time")
		}
		return makeArchive(ctx, d)
	})
}

// makeArchive runs a node from start to end with the JVM noting which classes
// it needs.
func makeArchive(ctx context.Context, d kafkadist.Dist) error {
	dir, err := os.MkdirTemp(filepath.Dir(d.Archive), "archive-")
	if err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "part.jsa")
	c, err := startDist(ctx, d, Config{Nodes: 1}, map[string]string{"cds": "-XX:ArchiveClassesAtExit=" + part})
	if err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	defer c.Close()
	// The classes of a topic's life are in it too.
	if err := c.CreateTopics(ctx, []Topic{{Name: "archive", Partitions: 1}}); err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	if err := c.(*managed).Stop(ctx, clusterfile.NodeName(1)); err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	if err := os.Rename(part, d.Archive); err != nil {
		return fmt.Errorf("make the class-data archive: the node left none: %w", err)
	}
	return nil
}
