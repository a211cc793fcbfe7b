package proxy

import (
	"errors"

	"isthmus/internal/sip/transport"
)

var errMaybeSent = errors.New("a fault inside Isthmus while it was sent")

// over sends what is no request that awaits an answer, and once more over a new connection when that had died unnoticed.
// done hears once how it ended. What is too long for UDP stays so, and what ends in a fault, errMaybeSent, is not sent twice.
func (pl *place) over(keep func(), send func(w *wire) error, done func(err error)) {
	again := false
	var use func(w *wire, err error)
	use = func(w *wire, err error) {
		if err != nil {
			done(err)
			return
		}
		err = errMaybeSent
		pl.proxy.guard(func() { err = send(w) })
		dead := err != nil && err != errMaybeSent && !errors.Is(err, transport.ErrTooLong)
		if dead {
			pl.abandon(w)
		}
		if !dead || again {
			done(err)
			return
		}
		again = true
		pl.connect(keep, use)
	}
	pl.connect(keep, use)
}
