// A rate limiter in a few lines. It starts a private server; give the URL of yours instead.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"keywright"
)

func main() {
	client, err := keywright.Open("embedded://")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	api, err := client.Limiter("api", "10/s burst 3")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range 4 {
		decision, err := api.Hit(ctx, "user:42")
		switch {
		case errors.Is(err, keywright.ErrConnection):
			log.Fatal("no server: ", err)
		case err != nil:
			log.Fatal(err)
		case decision.Allowed():
			fmt.Println("allowed,", decision.Remaining, "left")
		default:
			fmt.Println("denied, again in", decision.RetryAfter.Round(100*time.Millisecond))
		}
	}
	if _, err := api.Wait(ctx, "user:42"); err != nil { // sleeps until admitted, or says no at once
		log.Fatal(err)
	}
	fmt.Println("admitted after waiting")
}
