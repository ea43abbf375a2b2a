package main

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// A request that is not answered in this time is an error.
const answerTime = 10 * time.Second

// What one of the requests in flight has seen in the measured time.
type tally struct {
	latencies []time.Duration
	errors    int
}

type result struct {
	RequestsPerSecond float64            `json:"requests_per_second"`
	LatencyMs         map[string]float64 `json:"latency_ms"`
	Requests          int                `json:"requests"`
	Errors            int                `json:"errors"`
	Seconds           float64            `json:"seconds"`
	GeneratorCPU      float64            `json:"bench_cpu_seconds"` // in the measured time
}

func keyName(number int) string { return fmt.Sprintf("bench/%08d", number) }

func makeValue(size int) string {
	bytes := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(bytes)
	return string(bytes)
}

// fill writes every key once, so that reads find them.
func fill(clients []*clientv3.Client, chosen options, value string) error {
	const inFlight = 256
	var next int64
	var failure atomic.Value
	var group sync.WaitGroup
	for i := 0; i < inFlight; i++ {
		group.Add(1)
		go func(client *clientv3.Client) {
			defer group.Done()
			for {
				number := int(atomic.AddInt64(&next, 1)) - 1
				if number >= chosen.keys || failure.Load() != nil {
					return
				}
				limited, cancel := context.WithTimeout(context.Background(), answerTime)
				_, err := client.Put(limited, keyName(number), value)
				cancel()
				if err != nil {
					failure.Store(err)
				}
			}
		}(clients[i%len(clients)])
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		return fmt.Errorf("the keys could not be written: %v", err)
	}
	return nil
}

// The time is divided in warm-up, measured time and end: by these, all in flight know where they are.
type span struct{ begin, end time.Time }

func request(client *clientv3.Client, chosen options, key, value string) error {
	limited, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	if chosen.mode == "write" {
		_, err := client.Put(limited, key, value)
		return err
	}
	_, err := client.Get(limited, key) // linearizable, unless WithSerializable says otherwise
	return err
}

func repeat(client *clientv3.Client, chosen options, value string, seed int64, measured span) tally {
	var seen tally
	random := rand.New(rand.NewSource(seed))
	for {
		sent := time.Now()
		if !sent.Before(measured.end) {
			return seen
		}
		err := request(client, chosen, keyName(random.Intn(chosen.keys)), value)
		now := time.Now()
		if now.Before(measured.begin) || !now.Before(measured.end) {
			continue
		}
		if err != nil {
			seen.errors++
		} else {
			seen.latencies = append(seen.latencies, now.Sub(sent))
		}
	}
}

func load(chosen options, endpoint string) (*result, error) {
	clients, err := connect([]string{endpoint}, chosen.connections)
	if err != nil {
		return nil, err
	}
	value := makeValue(chosen.valueBytes)
	if chosen.mode == "read" {
		if err := fill(clients, chosen, value); err != nil {
			return nil, err
		}
	}
	begin := time.Now().Add(chosen.warmUp)
	measured := span{begin, begin.Add(chosen.measure)}
	tallies := make([]tally, chosen.inFlight)
	var group sync.WaitGroup
	for i := range tallies {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			tallies[i] = repeat(clients[i%len(clients)], chosen, value, int64(i+1), measured)
		}(i)
	}
	time.Sleep(time.Until(measured.begin))
	announce("begin")
	cpu := cpuSeconds()
	time.Sleep(time.Until(measured.end))
	announce("end")
	cpu = cpuSeconds() - cpu
	group.Wait()
	return summarize(tallies, measured, cpu), nil
}

// Whoever started this reads at these words how much CPU the nodes have taken.
func announce(what string) { fmt.Fprintln(os.Stderr, what) }

func summarize(tallies []tally, measured span, cpu float64) *result {
	var latencies []time.Duration
	errors := 0
	for _, each := range tallies {
		latencies = append(latencies, each.latencies...)
		errors += each.errors
	}
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	at := func(quantile float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		rank := int(math.Ceil(quantile * float64(len(latencies)))) // the value that so many do not exceed
		return float64(latencies[rank-1].Nanoseconds()) / 1e6
	}
	seconds := measured.end.Sub(measured.begin).Seconds()
	return &result{
		RequestsPerSecond: float64(len(latencies)) / seconds,
		LatencyMs:         map[string]float64{"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": at(1)},
		Requests:          len(latencies),
		Errors:            errors,
		Seconds:           seconds,
		GeneratorCPU:      cpu,
	}
}
