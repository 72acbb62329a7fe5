package keywright

import "testing"

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
		{"nonsense", "0.1.0", false},
	} {
		if fits(pair.library, pair.needed) != pair.want {
			t.Errorf("library %s under a package for %s: want %v", pair.library, pair.needed, pair.want)
		}
	}
}
