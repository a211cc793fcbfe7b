package routing

import (
	"fmt"
	"testing"

	"isthmus/internal/federation"
)

// BenchmarkCompile is what a node does before it puts a configuration of 10,000 routes in force, a start included.
func BenchmarkCompile(b *testing.B) {
	s := federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	s.Nodes = []federation.Node{{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: federation.Services}}
	for i := range 10_000 {
		r := federation.NewStaticRoute()
		r.Destination, r.Type, r.NextHop = fmt.Sprintf(".com.branch%d", i), federation.RouteDomain, fmt.Sprintf("fe%d.branch%d.com", i%2, i)
		s.StaticRoutes = append(s.StaticRoutes, r)
	}
	s.Normalize()
	for b.Loop() {
		if _, err := Compile(s, "imp1.synergy.com"); err != nil {
			b.Fatal(err)
		}
	}
}
