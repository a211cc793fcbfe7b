package web

import "testing"

func TestOneObjectIsNamedInTheSingular(t *testing.T) {
	for want, c := range map[string]struct{ there, all int }{
		"The one object is as it should be.":      {1, 1},
		"The one object is not as it should be.":  {0, 1},
		"1 of 5 objects is as it should be.":      {1, 5},
		"0 of 5 objects are as they should be.":   {0, 5},
		"12 of 12 objects are as they should be.": {12, 12},
	} {
		if got := asTheyShouldBe(c.there, c.all); got != want {
			t.Errorf("%d of %d: %s", c.there, c.all, got)
		}
	}
}
