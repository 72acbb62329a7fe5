package keywright

import (
	"math"
	"testing"
	"time"
)

func TestAnOlderOrABreakingLibraryDoesNotFit(t *testing.T) {
	for _, pair := range []struct {
		library, needed string
		want            bool
	}{
		{"0.1.0", "0.1.0", true},
		{"0.1.7", "0.1.2", true},
		{"0.1.1", "0.1.2", false},
		{"0.2.0", "0.1.0", false},
		{"1.4.0", "1.3.9", true},
		{"1.2.9", "1.3.0", false},
		{"2.0.0", "1.3.0", false},
		{"2.5.0", "1.3.0", false},
		{"nonsense", "0.1.0", false},
	} {
		if fits(pair.library, pair.needed) != pair.want {
			t.Errorf("library %s under a package for %s: want %v", pair.library, pair.needed, pair.want)
		}
	}
}

func TestDurationsRoundUp(t *testing.T) {
	for given, want := range map[time.Duration]int64{
		0:                    0, // the default
		1:                    1,
		time.Microsecond:     1,
		time.Microsecond + 1: 2,
		time.Second:          1_000_000,
		-time.Second:         -1_000_000, // refused by the library
		Forever:              math.MaxInt64,
		Forever - 1:          math.MaxInt64/1000 + 1,
	} {
		if got := int64(microseconds(given)); got != want {
			t.Errorf("%d ns are %d us, want %d", given, got, want)
		}
	}
	if duration(math.MaxInt64) != Never || duration(1500) != 1500*time.Microsecond {
		t.Error("microseconds become another duration")
	}
}

func TestMomentsComeBackAsTheyWere(t *testing.T) {
	for _, us := range []int64{1, 1_700_000_000_123_456, 4_102_444_800_000_001} {
		given := time.UnixMicro(us)
		if back := moment(unixMicro(given)); !back.Equal(given) {
			t.Errorf("%v came back as %v", given, back)
		}
	}
	if !moment(0).IsZero() || unixMicro(time.Time{}) != 0 {
		t.Error("no moment is one")
	}
}
