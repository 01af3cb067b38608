package main

import (
	"os"
	"time"
)

type point struct{ x, y int16 }

//go:noinline
func hold(few [3]int32, many [20]uint8, points [2]point, table map[string]int, empty map[int]bool, c chan int) {
	<-c
	// All of them live across the wait.
	println(few[1], many[7], points[1].y, len(table), len(empty))
}

func main() {
	table := map[string]int{"a": 1, "b": 2, "c": 3}
	var many [20]uint8
	for n := range many {
		many[n] = uint8(n * 3)
	}
	go hold([3]int32{7, -8, 9}, many, [2]point{{1, 2}, {-3, 4}}, table, nil, make(chan int))
	time.Sleep(100 * time.Millisecond)
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
}
