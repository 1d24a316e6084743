// Go's own channels doing the local works: `channels WORK COUNT` prints the nanoseconds it took.
//
// Lives here: the works of local.ts in Go, sums checked. Built by golang.ts; for scale only, since
// Go's processes may run on several processors.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

const buffered = 64

func stream(count, capacity int) int {
	through := make(chan int, capacity)
	go func() {
		for i := 1; i <= count; i++ {
			through <- i
		}
	}()
	sum := 0
	for i := 0; i < count; i++ {
		sum += <-through
	}
	return sum
}

func pingPong(count int) int {
	there, back := make(chan int), make(chan int)
	go func() {
		for i := 0; i < count; i++ {
			back <- <-there
		}
	}()
	sum := 0
	for i := 1; i <= count; i++ {
		there <- i
		sum += <-back
	}
	return sum
}

func senders(count, channels int) []chan int {
	ends := make([]chan int, channels)
	for at := range ends {
		ends[at] = make(chan int)
		go func() {
			for i := 1 + at; i <= count; i += channels {
				ends[at] <- i
			}
		}()
	}
	return ends
}

func selectOfTwo(count int) int {
	ends := senders(count, 2)
	sum := 0
	for i := 0; i < count; i++ {
		select {
		case value := <-ends[0]:
			sum += value
		case value := <-ends[1]:
			sum += value
		}
	}
	return sum
}

func selectOfSixteen(count int) int {
	c := senders(count, 16)
	sum, value := 0, 0
	for i := 0; i < count; i++ {
		select {
		case value = <-c[0]:
		case value = <-c[1]:
		case value = <-c[2]:
		case value = <-c[3]:
		case value = <-c[4]:
		case value = <-c[5]:
		case value = <-c[6]:
		case value = <-c[7]:
		case value = <-c[8]:
		case value = <-c[9]:
		case value = <-c[10]:
		case value = <-c[11]:
		case value = <-c[12]:
		case value = <-c[13]:
		case value = <-c[14]:
		case value = <-c[15]:
		}
		sum += value
	}
	return sum
}

func share(count, parts, at int) int {
	if at < count%parts {
		return count/parts + 1
	}
	return count / parts
}

func crowd(count, senders, receivers, capacity int) int {
	through := make(chan int, capacity)
	sums := make([]int, receivers)
	var done sync.WaitGroup
	for at := range receivers {
		done.Add(1)
		go func() {
			defer done.Done()
			for range share(count, receivers, at) {
				sums[at] += <-through
			}
		}()
	}
	for at := range senders {
		go func() {
			for i := range share(count, senders, at) {
				through <- 1 + at + i*senders
			}
		}()
	}
	done.Wait()
	sum := 0
	for _, one := range sums {
		sum += one
	}
	return sum
}

func run(work string, count int) int {
	switch work {
	case "buffered":
		return stream(count, buffered)
	case "rendezvous":
		return stream(count, 0)
	case "ping-pong":
		return pingPong(count)
	case "select-2":
		return selectOfTwo(count)
	case "select-16":
		return selectOfSixteen(count)
	case "waiters":
		return crowd(count, 1, 1000, 0)
	case "many":
		return crowd(count, 16, 16, buffered)
	}
	panic("there is no work " + work)
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	from := time.Now()
	sum := run(os.Args[1], count)
	took := time.Since(from)
	if sum != count*(count+1)/2 {
		fmt.Fprintln(os.Stderr, "the sum of the messages is wrong:", sum)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds())
}
