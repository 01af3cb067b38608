package main

import (
	"fmt"
	"os"
	"time"
)

type pair struct {
	left  int32
	right string
}

//go:noinline
func hold(name string, count int, small int8, on bool, part float64, list []string, at *pair, c chan int) {
	local := pair{left: -7, right: "local " + name}
	shown := &local
	<-c
	// All of them live across the wait.
	fmt.Println(name, count, small, on, part, list, at, *shown)
}

func main() {
	c := make(chan int)
	at := &pair{left: 1, right: "pointed"}
	go hold("a name", 4711, -3, true, 2.5, []string{"x", "y", "z"}, at, c)
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready", os.Getpid())
	for {
		time.Sleep(time.Hour)
	}
}
