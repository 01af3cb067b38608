// Locks that are taken without `defer`: one of a package, one of a structure, two in the wrong order, and two that
// were given back before the goroutine waits.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

var global sync.Mutex
var given sync.Mutex

type box struct {
	name  [5]int
	mu    sync.Mutex
	other sync.Mutex
	rw    sync.RWMutex
	n     int
}

//go:noinline
func holdGlobal(c chan int) {
	global.Lock()
	<-c
	global.Unlock()
}

//go:noinline
func wantGlobal() {
	global.Lock()
	global.Unlock()
}

//go:noinline
func (b *box) hold(c chan int) {
	b.mu.Lock()
	b.n += <-c
	b.mu.Unlock()
}

//go:noinline
func (b *box) want() {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
}

//go:noinline
func (b *box) read(c chan int) {
	b.rw.RLock()
	b.n += <-c
	b.rw.RUnlock()
}

//go:noinline
func (b *box) write() {
	b.rw.Lock()
	b.n++
	b.rw.Unlock()
}

// It took the other lock, and gave it back.
//
//go:noinline
func (b *box) gave(c chan int) {
	b.other.Lock()
	b.n++
	b.other.Unlock()
	b.n += <-c
	b.other.Lock()
	b.other.Unlock()
}

//go:noinline
func (b *box) holdOther(c chan int) {
	b.other.Lock()
	b.n += <-c
	b.other.Unlock()
}

//go:noinline
func (b *box) wantOther() {
	b.other.Lock()
	b.other.Unlock()
}

//go:noinline
func first(one, two *box, c, both chan int) {
	one.mu.Lock()
	c <- 1
	<-both
	two.mu.Lock()
	two.mu.Unlock()
	one.mu.Unlock()
}

func main() {
	c, never, both := make(chan int, 8), make(chan int), make(chan int)
	b, one, two := &box{}, &box{}, &box{}
	go holdGlobal(never)
	go b.hold(never)
	go b.read(never)
	go b.gave(never)
	go b.holdOther(never)
	go first(one, two, c, both)
	go first(two, one, c, both)
	<-c
	<-c
	close(both)
	time.Sleep(100 * time.Millisecond)
	go wantGlobal()
	go b.want()
	go b.write()
	go b.wantOther()
	time.Sleep(100 * time.Millisecond)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("ready")
	<-signals
}
