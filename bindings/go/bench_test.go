package keywright_test

import (
	"fmt"
	"sync"
	"testing"

	"keywright"
)

// Hits a second on one key each, with so many goroutines at once: go test -bench Hit
func BenchmarkHit(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 1000} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			hits := limiter(b, open(b, url), "1000000/s")
			ctx := b.Context()
			b.ReportAllocs()
			b.ResetTimer()
			var group sync.WaitGroup
			for caller := range callers {
				group.Add(1)
				go func() {
					defer group.Done()
					key := fmt.Sprint(caller)
					for range b.N/callers + 1 {
						if _, err := hits.Hit(ctx, key); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			group.Wait()
		})
	}
}

func BenchmarkHitMany(b *testing.B) {
	hits := limiter(b, open(b, url), "1000000/s")
	items := make([]keywright.LimiterHit, 1000)
	for i := range items {
		items[i] = keywright.LimiterHit{Key: fmt.Sprint(i), Cost: 1}
	}
	for range b.N/len(items) + 1 {
		if _, err := hits.HitMany(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
}
