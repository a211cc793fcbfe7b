package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
)

// ListenerState is what became of a wanted Listener.
type ListenerState struct {
	Name  string
	Addr  netip.AddrPort // with the actual port
	Open  bool
	Error string // why it is not open, a sentence for people
}

// Fit makes the listeners those that are wanted and reports on each, in order. New ones are opened first; those that go
// accept what waits in their queue and then close. A listener whose address stays is not touched: its next connection is
// accepted by the new settings, whatever changed. Connections live on in any case. One that does not open is tried
// again by the next Fit; where it is to move to another port, the old one stays open until then. One whose address has
// gone stays as well, and is not open until the address is back.
func (l *Layer) Fit(want []Listener) []ListenerState {
	l.fitting.Lock()
	defer l.fitting.Unlock()
	return l.fit(want)
}

// fit is Fit with its lock held.
func (l *Layer) fit(want []Listener) []ListenerState {
	f := fitting{layer: l, gone: l.current(), open: make([]*listening, len(want)), errs: make([]error, len(want)), kept: make([]*listening, len(want)), holders: make(map[seat]sighting)}
	for i := range want {
		f.keep(i, want[i])
	}
	for i := range want {
		f.try(i, want[i])
	}
	f.keepOld(want)
	for len(f.gone) > 0 {
		f.closeGone()
		f.retry(want)
	}
	l.mu.Lock()
	l.listeners = slices.DeleteFunc(append(f.kept, f.open...), func(a *listening) bool { return a == nil })
	l.mu.Unlock()
	states := f.states(want)
	l.holders = f.holders
	return states
}

func (l *Layer) current() []*listening {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.listeners)
}

// fitting is one run of Fit.
type fitting struct {
	layer *Layer
	gone  []*listening // not wanted any more, as far as is known
	open  []*listening
	errs  []error
	kept  []*listening // the old socket of one that did not open, nil: none

	holders map[seat]sighting // of the addresses that are taken
}

// keep finds an open listener with that address. One without TLS settings where they are needed is not kept.
func (f *fitting) keep(i int, want Listener) {
	if want.check() != nil {
		return
	}
	at := slices.IndexFunc(f.gone, func(a *listening) bool { return a.fits(want) })
	if at < 0 {
		return
	}
	f.open[i] = f.gone[at]
	f.gone = slices.Delete(f.gone, at, at+1)
	f.open[i].settings.Store(&want)
}

func (f *fitting) try(i int, want Listener) {
	if f.open[i] == nil {
		f.open[i], f.errs[i] = f.layer.listen(want)
	}
}

// keepOld spares the sockets of listeners whose new port does not open: better the old port than none.
func (f *fitting) keepOld(want []Listener) {
	for i, w := range want {
		at := slices.IndexFunc(f.gone, func(a *listening) bool {
			own := a.settings.Load()
			return own.Name == w.Name && own.Transport == w.Transport && a.addr().Port() != w.Addr.Port()
		})
		if f.open[i] != nil || w.check() != nil || at < 0 {
			continue
		}
		f.kept[i] = f.gone[at]
		f.gone = slices.Delete(f.gone, at, at+1)
	}
}

func (f *fitting) closeGone() {
	var group sync.WaitGroup
	for _, a := range f.gone {
		group.Go(a.stop)
	}
	group.Wait()
	f.gone = nil
}

// retry opens what an address in use kept from opening, as it may have been in use by one that has gone, such as the
// wildcard address. The old sockets of those that open now go too, and may have been in the way of others.
func (f *fitting) retry(want []Listener) {
	for i := range want {
		if !errors.Is(f.errs[i], syscall.EADDRINUSE) {
			continue
		}
		f.try(i, want[i])
		if old := f.kept[i]; f.open[i] != nil && old != nil {
			f.gone, f.kept[i] = append(f.gone, old), nil
		}
	}
}

func (f *fitting) states(want []Listener) []ListenerState {
	states := make([]ListenerState, len(want))
	for i, w := range want {
		states[i] = ListenerState{Name: w.Name, Addr: w.Addr, Open: f.open[i] != nil, Error: f.sentence(w, f.errs[i])}
		if old := f.kept[i]; old != nil {
			states[i].Error += fmt.Sprintf(" Port %d stays open until then.", old.addr().Port())
		}
		if f.open[i] != nil {
			states[i].Addr = f.open[i].addr()
		}
		if f.open[i] != nil && !f.layer.present(w.Addr.Addr()) {
			states[i].Open, states[i].Error = false, absent(w)
		}
	}
	return states
}

// sentence says for people why a listener does not open, and who is in its way.
func (f *fitting) sentence(want Listener, err error) string {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return sentence(want, err)
	}
	for _, a := range f.layer.current() {
		if own := a.settings.Load(); own.Transport.Reliable() == want.Transport.Reliable() && collides(a.addr(), want.Addr) {
			return taken(want, holding{}, own.Name)
		}
	}
	s := f.layer.holderOf(want, f.layer.holders)
	f.holders[seatOf(want)] = s
	return taken(want, s.holding, "")
}
