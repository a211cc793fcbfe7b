package certs

import (
	"fmt"
	"time"
)

// An Expiry is how near the end of a certificate is.
type Expiry int

// The stages of a certificate's last days: at each of them people are told anew.
const (
	Far      Expiry = iota // more than 60 days are left
	Within60               // time to request its successor
	Within30
	Within7
	Ended
)

const oneDay = 24 * time.Hour

// ExpiryOf is the stage of a certificate that ends at notAfter.
func ExpiryOf(notAfter, now time.Time) Expiry {
	left := notAfter.Sub(now)
	switch {
	case left < 0:
		return Ended
	case left <= 7*oneDay:
		return Within7
	case left <= 30*oneDay:
		return Within30
	case left <= 60*oneDay:
		return Within60
	}
	return Far
}

// EndsIn says how much time is left, such as "in 12 days", in whole days or hours that are still complete.
func EndsIn(notAfter, now time.Time) string {
	left := notAfter.Sub(now)
	switch days, hours := int(left/oneDay), int(left/time.Hour); {
	case days > 1:
		return fmt.Sprintf("in %d days", days)
	case days == 1:
		return "in 1 day"
	case hours > 1:
		return fmt.Sprintf("in %d hours", hours)
	case hours == 1:
		return "in 1 hour"
	}
	return "within the hour"
}
