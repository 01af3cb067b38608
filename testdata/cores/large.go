package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// A stack of 128 KiB, most of it one buffer.
//
//go:noinline
func buffered(c chan int) int {
	var buffer [64 << 10]byte
	buffer[len(os.Args)] = 1
	n := <-c
	return n + int(buffer[n])
}

// More frames than anybody shows.
//
//go:noinline
func deep(n int, c chan int) int {
	if n == 0 {
		return <-c
	}
	return deep(n-1, c) + 1
}

func main() {
	c := make(chan int)
	for range 4 {
		go buffered(c)
	}
	go deep(100, c)
	go deep(5000, c)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	time.Sleep(50 * time.Millisecond)
	fmt.Println("ready", os.Getpid())
	for range signals {
		text := make([]byte, 4<<20)
		text = text[:runtime.Stack(text, true)]
		if os.WriteFile(os.Args[1], text, 0o600) != nil {
			os.Exit(1)
		}
		fmt.Println("dumped")
	}
}
