package certs

import (
	"testing"
	"time"
)

func TestTheLastDaysOfACertificateAreCounted(t *testing.T) {
	now := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	for _, test := range []struct {
		left  time.Duration
		stage Expiry
		words string
	}{
		{61 * oneDay, Far, "in 61 days"},
		{60*oneDay + time.Second, Far, "in 60 days"},
		{60 * oneDay, Within60, "in 60 days"},
		{30*oneDay + time.Second, Within60, "in 30 days"},
		{30 * oneDay, Within30, "in 30 days"},
		{7*oneDay + time.Second, Within30, "in 7 days"},
		{7 * oneDay, Within7, "in 7 days"},
		{47 * time.Hour, Within7, "in 1 day"},
		{23 * time.Hour, Within7, "in 23 hours"},
		{90 * time.Minute, Within7, "in 1 hour"},
		{59 * time.Minute, Within7, "within the hour"},
		{0, Within7, "within the hour"},
		{-time.Second, Ended, ""},
	} {
		if stage := ExpiryOf(now.Add(test.left), now); stage != test.stage {
			t.Errorf("%v before its end: stage %d, want %d", test.left, stage, test.stage)
		}
		if words := EndsIn(now.Add(test.left), now); test.stage != Ended && words != test.words {
			t.Errorf("%v before its end: %q, want %q", test.left, words, test.words)
		}
	}
}
