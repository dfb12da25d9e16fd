#!/usr/bin/env bash
# Starts a single-node Apache Kafka (KRaft) on the loopback interface, prints
#   bootstrap 127.0.0.1:9092
# once it answers, and stops it on SIGTERM, SIGINT or end of the script. Its data
# live in a temporary directory that goes away with it.
#
#   KAFKA_VERSION  which one (4.4.0); 4.1.2 and 3.9.2 run with the same configuration
#   KAFKA_HOME     an unpacked distribution to take the jars from, instead of Maven
#   KAFKA_JARS     where Maven's jars are kept (~/.cache/ackproof/kafka-VERSION)
#   KAFKA_PORT     the broker's port (9092); the controller gets the next one
#
# Needs java 17 or newer and, the first time, mvn.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${KAFKA_VERSION:-4.4.0}
port=${KAFKA_PORT:-9092}
jars=${KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/ackproof/kafka-$version}
[ -z "${KAFKA_HOME:-}" ] || jars=$KAFKA_HOME/libs

fail() { echo "start.sh: $*" >&2; exit 1; }

command -v java >/dev/null || fail "no java: install a JRE of version 17 or newer"

if ! ls "$jars"/*.jar >/dev/null 2>&1; then
	[ -z "${KAFKA_HOME:-}" ] || fail "no jars in $jars: KAFKA_HOME is not an unpacked Kafka distribution"
	command -v mvn >/dev/null || fail "no mvn to fetch Kafka $version with: install Maven, or set KAFKA_HOME"
	mkdir -p "$(dirname "$jars")"
	new=$(mktemp -d "$jars.XXXXXX") # an own directory for each version, complete or not there
	if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$new" -Dkafka.version="$version" >&2; then
		rm -rf "$new"
		fail "Maven could not fetch Kafka $version"
	fi
	mv -T "$new" "$jars" 2>/dev/null || rm -rf "$new" # somebody else was faster
fi

data=$(mktemp -d "${TMPDIR:-/tmp}/ackproof-kafka.XXXXXX")
jvm=
stop() {
	trap - EXIT INT TERM HUP
	if [ -n "$jvm" ]; then
		kill -TERM "$jvm" 2>/dev/null || true
		for _ in $(seq 50); do kill -0 "$jvm" 2>/dev/null || break; sleep 0.1; done
		kill -KILL "$jvm" 2>/dev/null || true
		wait "$jvm" 2>/dev/null || true
	fi
	rm -rf "$data"
}
trap stop EXIT
trap 'stop; exit 0' INT TERM HUP

cat >"$data/server.properties" <<EOF
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$((port + 1))
log.dirs=$data/log
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=3
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
EOF
cat >"$data/log4j2.properties" <<EOF
status=error
appender.file.type=File
appender.file.name=file
appender.file.fileName=$data/server.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
EOF

small=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true
	-Dlog4j2.configurationFile="$data/log4j2.properties" -cp "$jars/*")
java -Xmx128m "${small[@]}" kafka.tools.StorageTool format \
	-t "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)" \
	-c "$data/server.properties" >"$data/format.log" 2>&1 ||
	{ cat "$data/format.log" >&2; fail "the storage of Kafka $version cannot be formatted"; }

run=(java)
# Where the script is killed outright, the broker goes with it.
if setpriv --pdeathsig KILL true 2>/dev/null; then run=(setpriv --pdeathsig KILL java); fi
"${run[@]}" -Xms128m -Xmx256m -XX:+ExitOnOutOfMemoryError "${small[@]}" \
	kafka.Kafka "$data/server.properties" >"$data/out.log" 2>&1 </dev/null &
jvm=$!

for _ in $(seq 240); do
	if ! kill -0 "$jvm" 2>/dev/null; then
		grep -hE 'ERROR|FATAL|Exception|Caused by' "$data/server.log" "$data/out.log" | head -n 20 >&2 || true
		fail "Kafka $version did not start"
	fi
	# The socket listens before the broker is registered; the log tells both.
	if grep -qs 'Kafka Server started' "$data/server.log" "$data/out.log"; then
		echo "bootstrap 127.0.0.1:$port"
		wait "$jvm" || true
		fail "Kafka $version ended by itself"
	fi
	sleep 0.25
done
fail "Kafka $version was not ready within 60 s"
