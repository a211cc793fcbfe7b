//go:build !linux

package transport

import "math"

// openLimit is Linux's alone; elsewhere connections may take every descriptor.
func openLimit() int { return math.MaxInt }
