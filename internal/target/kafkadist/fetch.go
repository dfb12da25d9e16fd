package kafkadist

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ackproof/ackproof/internal/target/procs"
)

//go:embed pom.xml
var pom []byte

// lockEvery is the pause between two looks at a lock that somebody else holds.
const lockEvery = 200 * time.Millisecond

func say(progress func(string), format string, args ...any) {
	if progress != nil {
		progress(fmt.Sprintf(format, args...))
	}
}

func findMaven(version string) (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%w: Kafka %s is not installed, and there is no mvn to fetch it with; install Maven, or set KAFKA_HOME to an unpacked distribution", ErrMissing, version)
	}
	return mvn, nil
}

// fetch copies the jars of a version into the cache: complete, or not at all.
func fetch(ctx context.Context, cache, version string, progress func(string)) error {
	mvn, err := findMaven(version)
	if err != nil {
		return err
	}
	return Exclusive(ctx, jarsDir(cache, version), progress, func() error {
		if len(jars(jarsDir(cache, version))) > 0 {
			return nil // somebody else was faster
		}
		say(progress, "fetching Kafka %s by Maven, once, into %s", version, jarsDir(cache, version))
		dir := jarsDir(cache, version) + ".part"
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
			return fmt.Errorf("make room for Kafka's jars: %w", err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(file, pom, 0o644); err != nil {
			return fmt.Errorf("write the pom: %w", err)
		}
		_, err := procs.Run(ctx, procs.Command{Dir: dir, Argv: []string{
			mvn, "-q", "-B", "-f", file, "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory=" + dir, "-Dkafka.version=" + version,
		}})
		if err != nil {
			return fmt.Errorf("fetch Kafka %s by Maven: is there such a version, and can its repository be reached? %w", version, err)
		}
		if err := os.Rename(dir, jarsDir(cache, version)); err != nil {
			return fmt.Errorf("put Kafka's jars in their place: %w", err)
		}
		return nil
	})
}

// Exclusive runs do while no other process does it for the same file name. The
// lock ends with the process.
func Exclusive(ctx context.Context, name string, progress func(string), do func() error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	f, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open the lock of %s: %w", name, err)
	}
	defer f.Close()
	told := false
	for {
		ok, err := tryLock(f)
		if err != nil {
			return fmt.Errorf("lock %s: %w", name, err)
		}
		if ok {
			return do()
		}
		if !told {
			told = true
			say(progress, "waiting for another ackproof that makes %s", name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the lock of %s: %w", name, ctx.Err())
		case <-time.After(lockEvery):
		}
	}
}
