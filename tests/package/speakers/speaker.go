// Does what each line asks for, as speaker.c does.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"keywright"
)

func main() {
	client, err := keywright.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Split(lines.Text(), "\t")
		options := keywright.LimiterOptions{Algorithm: keywright.AlgorithmFixedWindow}
		if words[0] == "gcra" {
			options.Algorithm = keywright.AlgorithmGCRA
		}
		limiter, err := client.Limiter(words[2], words[1], options)
		if err != nil {
			log.Fatal(err)
		}
		cost, err := strconv.ParseInt(words[5], 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		call := limiter.PeekN
		if words[3] == "hit" {
			call = limiter.HitN
		}
		made, err := call(context.Background(), words[4], cost)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(made.Status, made.Remaining, made.RetryAfter.Microseconds(), made.ResetAfter.Microseconds())
	}
}
