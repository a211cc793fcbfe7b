package proxy

import (
	"slices"

	"isthmus/internal/routing"
)

// A climb goes through the hops of a decision: by priority, within one priority by weight, past those that are down.
type climb struct {
	groups []routing.Group
	left   routing.Group // of the one before them
	again  *place        // the hop that is asked once more, at another of its addresses; nil for none
}

// next returns the next hop to try, nil when there is none. down is told of those that are passed over.
func (c *climb) next(p *Proxy, down func(*place)) *place {
	if pl := c.again; pl != nil {
		c.again = nil
		if pl.usable() {
			return pl
		}
	}
	for {
		if i := p.choose(c.left); i >= 0 {
			h := c.left[i]
			c.left = slices.Concat(c.left[:i], c.left[i+1:])
			return p.place(h)
		}
		for _, h := range c.left {
			down(p.place(h))
		}
		if c.left = nil; len(c.groups) == 0 {
			return nil
		}
		c.left, c.groups = c.groups[0], c.groups[1:]
	}
}

// choose draws one of the hops that are up by weight, -1 when none is.
func (p *Proxy) choose(g routing.Group) int {
	if len(g) == 1 {
		if p.place(g[0]).usable() {
			return 0
		}
		return -1
	}
	var up []int
	total := 0
	for i, h := range g {
		if p.place(h).usable() {
			up = append(up, i)
			total += h.Weight
		}
	}
	if up == nil {
		return -1
	}
	draw := p.config.Random(total)
	for _, i := range up {
		if draw -= g[i].Weight; draw < 0 {
			return i
		}
	}
	return up[0]
}
