// etcd_load puts load on an etcd cluster, as raft-bench does on ours: N requests in flight over a
// few connections, each of which waits for its answer before the next takes its place.
//
// Built by tools/compare-etcd with Debian's golang-go and golang-etcd-server-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o etcd_load .
//
// Prints one JSON object on one line. Exit codes: 0 measured, 1 it could not be, 2 wrong usage.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.uber.org/zap"
)

type options struct {
	mode        string
	endpoints   []string
	connections int
	inFlight    int
	valueBytes  int
	keys        int
	warmUp      time.Duration
	measure     time.Duration
	processes   []int // of the nodes, in the order of the endpoints; for failover
}

const leaderPatience = 20 * time.Second

func parseOptions() (options, error) {
	var chosen options
	var endpoints, processes string
	flag.StringVar(&endpoints, "endpoints", "", "client `URLs` of all nodes, divided by commas")
	flag.IntVar(&chosen.connections, "connections", 8, "clients, each with a connection of its own")
	flag.IntVar(&chosen.inFlight, "in-flight", 64, "requests under way, over all connections")
	flag.IntVar(&chosen.valueBytes, "value-bytes", 256, "the size of a value")
	flag.IntVar(&chosen.keys, "keys", 10000, "different keys")
	flag.DurationVar(&chosen.warmUp, "warm-up", time.Second, "load before it is measured")
	flag.DurationVar(&chosen.measure, "measure", 4*time.Second, "how long to measure")
	flag.StringVar(&processes, "processes", "", "failover: process `IDS` of all nodes, divided by commas")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Usage: etcd_load [OPTION...] write|read|failover")
		flag.PrintDefaults()
	}
	flag.Parse()
	if endpoints == "" || flag.NArg() != 1 {
		return chosen, fmt.Errorf("it takes -endpoints and one of write, read, failover")
	}
	chosen.mode = flag.Arg(0)
	if chosen.mode != "write" && chosen.mode != "read" && chosen.mode != "failover" {
		return chosen, fmt.Errorf("there is no mode '%s': it is write, read or failover", chosen.mode)
	}
	chosen.endpoints = strings.Split(endpoints, ",")
	for _, word := range strings.FieldsFunc(processes, func(r rune) bool { return r == ',' }) {
		process, err := strconv.Atoi(word)
		if err != nil || process < 2 {
			return chosen, fmt.Errorf("'%s' is no process id", word)
		}
		chosen.processes = append(chosen.processes, process)
	}
	if chosen.mode == "failover" && len(chosen.processes) != len(chosen.endpoints) {
		return chosen, fmt.Errorf("failover takes as many -processes as -endpoints")
	}
	if chosen.connections < 1 || chosen.inFlight < chosen.connections || chosen.keys < 1 {
		return chosen, fmt.Errorf("every connection needs a request in flight, and there is no load without a key")
	}
	return chosen, nil
}

func connect(endpoints []string, count int) ([]*clientv3.Client, error) {
	clients := make([]*clientv3.Client, count)
	// Its own messages are about retries, which the result speaks of.
	quiet := zap.NewProductionConfig()
	quiet.Level = zap.NewAtomicLevelAt(zap.FatalLevel)
	for i := range clients {
		client, err := clientv3.New(clientv3.Config{
			Endpoints: endpoints, DialTimeout: 5 * time.Second, LogConfig: &quiet})
		if err != nil {
			return nil, fmt.Errorf("%s: %v", strings.Join(endpoints, ","), err)
		}
		clients[i] = client
	}
	return clients, nil
}

// findLeader is the number of the endpoint whose node leads, once all nodes agree on it.
func findLeader(client *clientv3.Client, endpoints []string) (int, error) {
	for end := time.Now().Add(leaderPatience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		leads, agree := -1, 0
		var leader uint64
		for i, endpoint := range endpoints {
			limited, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			status, err := client.Status(limited, endpoint)
			cancel()
			if err != nil || status.Leader == 0 {
				continue
			}
			if agree == 0 || status.Leader == leader {
				agree, leader = agree+1, status.Leader
			}
			if status.Header.MemberId == status.Leader {
				leads = i
			}
		}
		if leads >= 0 && agree == len(endpoints) {
			return leads, nil
		}
	}
	return 0, fmt.Errorf("the nodes of etcd did not agree on a leader within %v", leaderPatience)
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	seconds := func(value syscall.Timeval) float64 { return float64(value.Sec) + float64(value.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func run(chosen options) error {
	all, err := connect(chosen.endpoints, 1)
	if err != nil {
		return err
	}
	defer all[0].Close()
	if chosen.mode == "failover" {
		return failover(chosen, all[0])
	}
	leader, err := findLeader(all[0], chosen.endpoints)
	if err != nil {
		return err
	}
	result, err := load(chosen, chosen.endpoints[leader])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func main() {
	chosen, err := parseOptions()
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd_load:", err)
		os.Exit(2)
	}
	if err := run(chosen); err != nil {
		fmt.Fprintln(os.Stderr, "etcd_load:", err)
		os.Exit(1)
	}
}
