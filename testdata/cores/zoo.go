package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

type box struct {
	mu sync.Mutex
	rw sync.RWMutex
	wg sync.WaitGroup
	n  int
}

//go:noinline
func recvForever(c chan string) { <-c }

//go:noinline
func sendForever(c chan int) { c <- 1 }

//go:noinline
func lockAndWait(b *box, c chan string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	<-c
	b.n++
}

//go:noinline
func (b *box) waitLock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
}

//go:noinline
func (b *box) rlockHold(c chan string) {
	b.rw.RLock()
	defer b.rw.RUnlock()
	<-c
}

//go:noinline
func (b *box) wlock() {
	b.rw.Lock()
	defer b.rw.Unlock()
	b.n++
}

//go:noinline
func (b *box) relock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inner()
}

//go:noinline
func (b *box) inner() {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
}

//go:noinline
func deep(n int, c chan string) int {
	if n == 0 {
		<-c
		return 0
	}
	return deep(n-1, c) + 1
}

func ab(one, two *sync.Mutex, ready, go_ chan struct{}) {
	one.Lock()
	defer one.Unlock()
	ready <- struct{}{}
	<-go_
	two.Lock()
	defer two.Unlock()
}

func main() {
	c := make(chan string)
	b := &box{}
	go recvForever(c)
	go recvForever(nil)
	ci := make(chan int, 2)
	ci <- 1
	ci <- 2
	go sendForever(ci)
	go lockAndWait(b, c)
	time.Sleep(50 * time.Millisecond)
	for i := 0; i < 3; i++ {
		go b.waitLock()
	}
	go b.rlockHold(c)
	time.Sleep(50 * time.Millisecond)
	go b.wlock()
	time.Sleep(50 * time.Millisecond)
	go b.rlockHold(c)
	b.wg.Add(2)
	go func() { b.wg.Wait() }()
	go func() { defer b.wg.Done(); <-c }()
	cond := sync.NewCond(&sync.Mutex{})
	go func() { cond.L.Lock(); cond.Wait(); cond.L.Unlock() }()
	go func() {
		select {
		case <-c:
		case v := <-ci2(c):
			_ = v
		}
	}()
	go func() { select {} }()
	go deep(50, c)
	go func() { time.Sleep(time.Hour) }()
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() { l.Accept() }()
	r, _, _ := os.Pipe()
	go func() { var x [1]byte; r.Read(x[:]) }()
	var p [2]int
	syscall.Pipe(p[:])
	go func() { var x [1]byte; syscall.Read(p[0], x[:]) }()
	go func() { runtime.LockOSThread(); <-c }()
	go func() { exec.Command("/bin/sleep", "1000").Run() }()
	b2 := &box{}
	go b2.relock()
	var m1, m2 sync.Mutex
	ready, go_ := make(chan struct{}), make(chan struct{})
	go ab(&m1, &m2, ready, go_)
	go ab(&m2, &m1, ready, go_)
	<-ready
	<-ready
	close(go_)
	if len(os.Args) > 2 {
		go func() {
			for {
				b.n++
			}
		}()
	}
	s := make(chan os.Signal, 4)
	signal.Notify(s, syscall.SIGUSR1)
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	fmt.Println("ready", os.Getpid())
	for range s {
		buf := make([]byte, 1<<24)
		buf = buf[:runtime.Stack(buf, true)]
		os.WriteFile(os.Args[1], buf, 0o644)
		fmt.Println("dumped")
	}
}

func ci2(c chan string) chan string { return make(chan string) }
