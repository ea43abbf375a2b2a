package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// An attempt is given up after this, and another made: what waits for a dead node learns nothing.
const attemptTime = 200 * time.Millisecond

// As raft-bench, whose clients wait as long after a refusal.
const refusalPause = 10 * time.Millisecond

const failoverPatience = 30 * time.Second

type killed struct {
	Leader       int     `json:"leader"`
	Milliseconds float64 `json:"milliseconds"`
}

// killing is shared by all in flight. Both are of the one clock that time.Since reads.
type killing struct {
	start       time.Time
	killedAt    int64 // nanoseconds after start; 0: not yet
	firstAnswer int64 // of an attempt that was sent after killedAt; 0: not yet
	completed   int64 // writes, ever
	end         int32
}

func (shared *killing) now() int64 { return int64(time.Since(shared.start)) }

func (shared *killing) keepWriting(client *clientv3.Client, key, value string) {
	for atomic.LoadInt32(&shared.end) == 0 {
		sent := shared.now()
		limited, cancel := context.WithTimeout(context.Background(), attemptTime)
		_, err := client.Put(limited, key, value)
		cancel()
		killedAt := atomic.LoadInt64(&shared.killedAt)
		if err != nil {
			time.Sleep(refusalPause)
			continue
		}
		atomic.AddInt64(&shared.completed, 1)
		if killedAt != 0 && sent > killedAt {
			atomic.CompareAndSwapInt64(&shared.firstAnswer, 0, shared.now())
		}
	}
}

func (shared *killing) kill(process int) error {
	if atomic.LoadInt64(&shared.completed) == 0 {
		return fmt.Errorf("no write was acknowledged before the kill")
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		return fmt.Errorf("process %d could not be killed: %v", process, err)
	}
	atomic.StoreInt64(&shared.killedAt, shared.now())
	for end := time.Now().Add(failoverPatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if atomic.LoadInt64(&shared.firstAnswer) != 0 {
			return nil
		}
	}
	return fmt.Errorf("no write was acknowledged for %v after the leader was killed", failoverPatience)
}

// failover kills the leader once, under load and with clients that know all nodes.
func failover(chosen options, all *clientv3.Client) error {
	if _, err := findLeader(all, chosen.endpoints); err != nil {
		return err
	}
	clients, err := connect(chosen.endpoints, chosen.connections)
	if err != nil {
		return err
	}
	shared := &killing{start: time.Now()}
	value := makeValue(chosen.valueBytes)
	var group sync.WaitGroup
	for i := 0; i < chosen.inFlight; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			shared.keepWriting(clients[i%len(clients)], keyName(i), value)
		}(i)
	}
	time.Sleep(chosen.warmUp)
	leader, err := findLeader(all, chosen.endpoints)
	if err == nil {
		err = shared.kill(chosen.processes[leader])
	}
	atomic.StoreInt32(&shared.end, 1)
	group.Wait()
	for _, client := range clients {
		client.Close()
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(
		killed{leader, float64(shared.firstAnswer-shared.killedAt) / 1e6})
}
